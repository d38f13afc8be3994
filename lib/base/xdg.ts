import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** What a user's files of each kind are below, where the variable says nothing else. */
const below = { XDG_CONFIG_HOME: '.config', XDG_STATE_HOME: '.local/state', XDG_DATA_HOME: '.local/share' };

/** Where a user keeps files of a kind. The XDG specification: a relative path in its variables is ignored. */
export function userDirectory(kind: keyof typeof below, env: Environment): string {
  const given = env[kind];
  return given && isAbsolute(given) ? given : join(env.HOME || homedir(), below[kind]);
}

/** Where the sockets of a user's session are: pam_systemd(8) makes it at the login. */
export function runtimeDirectory(env: Environment): string {
  return env.XDG_RUNTIME_DIR ?? `/run/user/${process.getuid?.() ?? 0}`;
}
