import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Account, accountOfUser } from '../accounts.ts';
import { commonEnvironment, ownEnvironment } from '../environment.ts';
import type { Command } from '../exec.ts';

/** A command that is ready to be started. */
interface Prepared {
  command: Command;
  env: Record<string, string>;
  dir: string | undefined;
}

interface Request {
  user: string | null;
  dir: string | null;
  env: Record<string, string>;
  timeoutMs: number;
  /** from SIGTERM to SIGKILL */
  graceMs: number;
}

/**
 * Becomes what its words say once timeout(1) waits for its end. Told to end before that, timeout takes itself for a child that
 * has not begun, and ends alone: then there must be no command yet. The state in proc_pid_stat(5) is S while it waits.
 */
const onceGuarded = [
  '/bin/sh',
  '-c',
  // The variables of the command stay as they are: a subshell does the reading.
  `unset PWD OLDPWD SHLVL
  while :; do
    (IFS=' '; read -r pid name state rest </proc/$PPID/stat && [ "$name" = '(timeout)' ] || exit 2; [ "$state" = S ])
    case $? in
      0) exec "$@" ;;
      2) echo 'cutover: not begun: no timeout(1) waits for it' >&2; exit 143 ;;
    esac
  done`,
  'cutover',
] as const;

/**
 * Wraps a command so that the kernel ends it with this process, and so that it has a deadline of its own.
 * @throws what keeps it from being started
 */
export async function prepare(
  words: readonly string[],
  { user, dir, env, timeoutMs, graceMs }: Request,
): Promise<Prepared> {
  const other = user === null ? null : await otherAccount(user);
  if (dir !== null) await requireDirectory(dir);
  const [setpriv, timeout] = await Promise.all([programAt('setpriv'), programAt('timeout')]);
  const switched = other ? ['--reuid', `${other.uid}`, '--regid', `${other.gid}`, '--init-groups'] : [];
  // The deadline is ours; this one is for when we are dead or stopped.
  const latest = Math.ceil((timeoutMs + 2 * graceMs) / 1000);
  const guarded = [timeout, `--kill-after=${graceMs / 1000}`, `${latest}`] as const;
  const command: Command = [setpriv, '--pdeathsig', 'TERM', ...switched, '--', ...guarded, ...onceGuarded, ...words];
  return { command, env: { ...(other ? environmentFor(other) : ownEnvironment()), ...env }, dir: dir ?? undefined };
}

function environmentFor({ name, home, shell }: Account): Record<string, string> {
  return { ...commonEnvironment(), HOME: home, USER: name, LOGNAME: name, SHELL: shell };
}

/** The account to change to; null: it is ours. */
async function otherAccount(user: string): Promise<Account | null> {
  const account = await accountOfUser(user);
  if (!account) throw new Error(`there is no user ${user}`);
  const self = process.geteuid?.();
  if (account.uid === self) return null;
  if (self !== 0) throw new Error(`only root may run a command as ${user}`);
  return account;
}

async function requireDirectory(path: string): Promise<void> {
  const isThere = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isThere) throw new Error(`there is no directory ${path}`);
}

/** The command's own PATH, which may be a strange one, is not for our programs. */
async function programAt(name: string): Promise<string> {
  for (const folder of [...(process.env.PATH ?? '').split(':'), '/usr/bin', '/bin']) {
    const path = join(folder, name);
    if (
      folder.startsWith('/') &&
      (await access(path, constants.X_OK).then(
        () => true,
        () => false,
      ))
    )
      return path;
  }
  throw new Error(`${name} is not installed`);
}
