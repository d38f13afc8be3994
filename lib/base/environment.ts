import { formerRootsDirectories } from './former-root.ts';

/** Where programs are, and the language: all that another user's command needs to know of ours. */
const common = /^(PATH|LANG|LANGUAGE|LC_[A-Z]+|TZ)$/;
/** Where home and the user's own bus are. */
const ofOurs = /^(HOME|USER|LOGNAME|SHELL|XDG_RUNTIME_DIR|DBUS_SESSION_BUS_ADDRESS)$/;

/** Of an environment only these variables, and of them only those that are set. */
export function environmentOf(env: NodeJS.ProcessEnv, names: readonly string[]): Record<string, string> {
  const set = names.map((name): [string, string | undefined] => [name, env[name]]);
  return Object.fromEntries(set.filter((pair): pair is [string, string] => pair[1] !== undefined));
}

/** What another user's command gets of our variables: whoever a process belongs to reads all of its environment. */
export function commonEnvironment(): Record<string, string> {
  return environmentOf(
    process.env,
    ours((name) => common.test(name)),
  );
}

/** Whoever calls may hold tokens: a command of the user's gets the same few variables from a terminal, a timer and a webhook. */
export function ownEnvironment(): Record<string, string> {
  return environmentOf(
    process.env,
    ours((name) => common.test(name) || ofOurs.test(name)),
  );
}

/** What a process is given of variables. */
export interface Surroundings {
  /** added to what it inherits */
  env?: Record<string, string>;
  /** in place of what our own programs inherit: everything, until root has become another user, whose they are from then on */
  inherited?: NodeJS.ProcessEnv;
}

/** The environment of a process that is to be started. */
export function childEnvironment({ env, inherited }: Surroundings): NodeJS.ProcessEnv {
  const ofRoot = formerRootsDirectories() !== null;
  return { ...(inherited ?? (ofRoot ? ownEnvironment() : process.env)), ...env };
}

function ours(isKept: (name: string) => boolean): string[] {
  return Object.keys(process.env).filter(isKept);
}
