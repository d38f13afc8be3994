import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { accountOfUser } from '../../base/accounts.ts';
import { shellLine } from '../../base/shell-words.ts';
import type { Config, TargetConfig } from '../../config/model.ts';
import type { DeployingAccount } from './polkit.ts';

/**
 * What a person has left to do for a deploying user: a rule lets him start and stop units, but what a deploy writes has to
 * be his as well. Empty where it is.
 */
export async function handOverNotes(
  config: Pick<Config, 'app' | 'state' | 'logs'>,
  targets: readonly TargetConfig[],
  who: DeployingAccount | null,
): Promise<string[]> {
  if (who === null) return [];
  if ('group' in who) {
    const example = 'sudo -u NAME cutover deploy';
    return [`state and builds belong to one user, as whom the members of ${who.group} deploy: ${example}`];
  }
  const commands = await commandsFor(config, targets, who.user);
  if (commands.length === 0) return [];
  return [`what a deploy writes has to belong to ${who.user}: ${commands.join(' && ')}`];
}

async function commandsFor(
  { app, state, logs }: Pick<Config, 'app' | 'state' | 'logs'>,
  targets: readonly TargetConfig[],
  user: string,
): Promise<string[]> {
  const uid = (await accountOfUser(user))?.uid;
  const backups = targets.flatMap(({ database }) => (database === null ? [] : [database.backups]));
  const directories = new Set([join(state, app), logs, ...targets.map(({ builds }) => builds), ...backups]);
  const commands = [...directories].map(async (directory) => {
    const facts = await stat(directory).catch(() => null);
    if (facts === null) return [shellLine(['install', '-d', '-o', user, '-m', '700', directory])];
    return facts.uid === uid ? [] : [shellLine(['chown', '-R', `${user}:`, directory])];
  });
  return [...(await passable(state, uid)), ...(await Promise.all(commands)).flat()];
}

/** Above the app's own directory there may be other apps' of other users: it need only let him through. */
async function passable(state: string, uid: number | undefined): Promise<string[]> {
  const facts = await stat(state).catch(() => null);
  if (facts === null || facts.uid === uid || (facts.mode & 0o001) !== 0) return [];
  return [shellLine(['chmod', 'o+x', state])];
}
