import { constants, existsSync } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { accountOfUser } from '../base/accounts.ts';
import { CutoverError, errnoOf } from '../base/errors.ts';
import { shellLine } from '../base/shell-words.ts';
import { runtimeDirectory } from '../base/xdg.ts';
import type { Config } from '../config/model.ts';
import { nameOfSelf } from '../systemd/typed.ts';

const mayLook = constants.R_OK | constants.X_OK;
const mayWrite = mayLook | constants.W_OK;

/**
 * For a plain user on the system's services: the state is theirs to work on, or is yet to be made where they may.
 * @throws `permission`, with what makes a deploying user
 */
export async function requireState(
  { manager }: Pick<Config, 'manager'>,
  { directory, isWritten }: { directory: string; isWritten: boolean },
): Promise<void> {
  if (manager === 'user' || process.geteuid?.() === 0) return;
  for (let at = directory; ; at = dirname(at)) {
    const errno = await access(at, isWritten ? mayWrite : mayLook).then(() => null, errnoOf);
    if (errno === 'ENOENT' && isWritten && at !== '/') continue;
    if (errno !== 'EACCES') return;
    const name = nameOfSelf();
    const rule = `sudo cutover init --install --deploy-user ${name}`;
    throw new CutoverError('permission', `cannot ${isWritten ? 'write' : 'read'} ${at}: permission denied`, {
      mend: `run as its owner (ls -ld ${at}), or with sudo; for ${name} to deploy: ${rule}, which says what to chown`,
    });
  }
}

/**
 * Root has a manager of its own, or none; the units of another user's are not in it.
 * @throws `systemd_unavailable` where root has none, with how to go on as the owner of the configuration
 */
export async function requireOwnManager({ manager, file }: Config, env: NodeJS.ProcessEnv): Promise<void> {
  if (manager === 'system' || file === null || process.geteuid?.() !== 0) return;
  if (env.DBUS_SESSION_BUS_ADDRESS || existsSync(`${runtimeDirectory(env)}/bus`)) return;
  const { uid } = await stat(file);
  const owner = uid === 0 ? null : await accountOfUser(uid);
  if (owner === null) return;
  throw new CutoverError('systemd_unavailable', `${file} is for the manager of ${owner.name}, and root has none`, {
    mend: `the same as ${owner.name}: ${shellLine(['sudo', '-u', owner.name, 'cutover'])} … --config ${file}`,
  });
}
