import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { accountOfUser } from '../../base/accounts.ts';
import { isCutoverError } from '../../base/errors.ts';
import { shellLine } from '../../base/shell-words.ts';
import type { Config, TargetConfig } from '../../config/model.ts';
import { entryOfOthers } from './others-entry.ts';
import type { DeployingAccount } from './polkit.ts';

type Configured = Pick<Config, 'app' | 'state' | 'logs' | 'file'>;

/** A directory that a deploy writes in. */
interface Written {
  path: string;
  /** the key that says so, where several apps may share the directory; null: it is the app's own */
  sharedBy: string | null;
}

/**
 * What a person has left to do for a deploying user: a rule lets him start and stop units, but what a deploy writes has to
 * be his as well. Empty where it is. What other apps need too is left to them.
 * @throws `permission` where it cannot be seen whose files a directory holds
 */
export async function handOverNotes(
  config: Configured,
  targets: readonly TargetConfig[],
  who: DeployingAccount | null,
): Promise<string[]> {
  if (who === null) return [];
  if ('group' in who) {
    const example = 'sudo -u NAME cutover deploy';
    return [`state and builds belong to one user, as whom the members of ${who.group} deploy: ${example}`];
  }
  const uid = (await accountOfUser(who.user))?.uid;
  const about = { ...config, targets };
  const steps = await Promise.all(
    writtenBy(config, targets).map((written) => stepFor(written, about, { user: who.user, uid })),
  );
  const commands = [...(await passable(config.state, uid)), ...steps.flatMap(({ command }) => command)];
  const lines = steps.flatMap(({ line }) => line);
  if (commands.length === 0) return lines;
  return [...lines, `what a deploy writes has to belong to ${who.user}: ${commands.join(' && ')}`];
}

/**
 * What still belongs to a user who deploys no more, and the command that takes it back.
 * @param config null: it is not known, and nothing is said
 * @param others who else may deploy something: what is shared stays with them
 */
export async function takeBackNotes(
  config: Config | null,
  who: DeployingAccount | null,
  others: readonly DeployingAccount[],
): Promise<string[]> {
  if (config === null || who === null || !('user' in who)) return [];
  const uid = (await accountOfUser(who.user))?.uid;
  const isElsewhere = others.some((other) => 'user' in other && other.user === who.user);
  const written = writtenBy(config, Object.values(config.targets));
  const owned = await Promise.all(
    written.map(async ({ path, sharedBy }) => {
      const facts = await stat(path).catch(() => null);
      return facts !== null && facts.uid === uid && !(isElsewhere && sharedBy !== null) ? [path] : [];
    }),
  );
  if (owned.flat().length === 0) return [];
  const command = shellLine(['chown', '-R', 'root:', ...owned.flat()]);
  return [`${who.user} may not deploy ${config.app} any more, and still owns what deploys wrote: ${command}`];
}

function writtenBy({ app, state, logs }: Configured, targets: readonly TargetConfig[]): Written[] {
  const shared = (path: string, key: string): Written => ({ path, sharedBy: isOfApp(path, app) ? null : key });
  const all = [
    { path: join(state, app), sharedBy: null },
    shared(logs, 'logs'),
    ...targets.map(({ builds }) => ({ path: builds, sharedBy: null })),
    ...targets.flatMap(({ name, database }) =>
      database === null ? [] : [shared(database.backups, `targets.${name}.database.backups`)],
    ),
  ];
  return [...new Map(all.map((one) => [one.path, one])).values()];
}

/** Its name is the app's, or part of the path is. */
function isOfApp(path: string, app: string): boolean {
  return path.split('/').some((part) => part === app || part.endsWith(`-${app}`));
}

interface Step {
  /** what is to be said in the configuration */
  line: string[];
  command: string[];
}

interface Deployed extends Configured {
  targets: readonly TargetConfig[];
}

async function stepFor(
  { path, sharedBy }: Written,
  about: Deployed,
  { user, uid }: { user: string; uid: number | undefined },
): Promise<Step> {
  const facts = await stat(path).catch(() => null);
  const make = (directory: string): string[] => [shellLine(['install', '-d', '-o', user, '-m', '700', directory])];
  if (facts === null) return { line: [], command: make(path) };
  if (facts.uid === uid) return { line: [], command: [] };
  const reason = sharedBy === null ? null : await whyOthersNeed(path, facts.uid, about);
  if (reason === null) return { line: [], command: [shellLine(['chown', '-R', `${user}:`, path])] };
  // Beside it, not below: below it its owner could put a link in the way of who makes the directory.
  const own = `${path}-${about.app}`;
  const line = `${path} ${reason}; so in ${about.file}: ${sharedBy} = ${JSON.stringify(own)}`;
  return { line: [line], command: make(own) };
}

/** What a directory is or holds that keeps it from being handed over; null: nothing does. */
async function whyOthersNeed(path: string, uid: number, { app, targets }: Deployed): Promise<string | null> {
  const owner = uid === 0 ? null : await accountOfUser(uid);
  if (owner !== null) return `belongs to ${owner.name}, who needs it`;
  // Who may not look in hands nothing over either: only rehearsals are for everybody.
  const entry = await entryOfOthers(path, app, targets).catch((error: unknown) => {
    if (isCutoverError(error, 'permission') && process.geteuid?.() !== 0) return null;
    throw error;
  });
  return entry === null ? null : `also holds ${JSON.stringify(entry)}, which is not of ${app}`;
}

/** Above the app's own directory there may be other apps' of other users: it need only let him through. */
async function passable(state: string, uid: number | undefined): Promise<string[]> {
  const facts = await stat(state).catch(() => null);
  if (facts === null || facts.uid === uid || (facts.mode & 0o001) !== 0) return [];
  return [shellLine(['chmod', 'o+x', state])];
}
