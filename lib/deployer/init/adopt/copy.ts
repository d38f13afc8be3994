import { chmod, chown, mkdir, readdir, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { CutoverError, fileError } from '../../../base/errors.ts';
import { exec } from '../../../base/exec.ts';
import { isThere, move, syncDirectory } from '../../../base/files.ts';
import { removeTrees } from '../../../base/remove.ts';
import { incomingName } from '../../../builds/layout.ts';

const copyMs = 60 * 60_000;
/** One process for so many names; more would not fit a command line everywhere. */
const atOnce = 200;
/** Alone it would go on where nobody waits for it. */
const dieTogether = ['setpriv', '--pdeathsig', 'KILL', '--'] as const;

export interface Copying {
  source: string;
  builds: string;
  build: string;
  /** absolute, below `source`: links lead there from the copy */
  shared: readonly string[];
  signal: AbortSignal;
}

/**
 * Makes the first build from a directory: owners, modes, times and links as they are, by cp(1). It gets its name when it is
 * whole and on the disk.
 * @throws `permission`, `disk`, `failed`; the signal's reason when aborted
 */
export async function copyIn({ source, builds, build, shared, signal }: Copying): Promise<void> {
  await makeLike(source, builds);
  const incoming = join(builds, incomingName);
  await removeTrees([incoming], signal);
  await mkdir(incoming, { mode: 0o700 });
  const copy = join(incoming, build);
  await copyTree(source, copy, { shared, signal });
  for (const path of shared) await symlink(path, join(copy, relative(source, path)));
  const synced = await exec([...dieTogether, 'sync', '--file-system', copy], { timeoutMs: copyMs, signal });
  if (synced.code !== 0) throw new CutoverError('failed', `the copy is not on the disk: ${synced.stderr.trim()}`);
  await move(copy, join(builds, build));
  await removeTrees([incoming], signal);
  await syncDirectory(builds);
  await syncDirectory(dirname(builds));
}

/** Takes away what `copyIn` and the link have put there, whatever of it there is; other builds stay. */
export async function removeCopy({ builds, build }: Pick<Copying, 'builds' | 'build'>): Promise<void> {
  const { signal } = new AbortController();
  const problems = await removeTrees([join(builds, build), join(builds, incomingName)], signal);
  for (const problem of problems.values()) throw problem;
}

async function copyTree(
  from: string,
  to: string,
  how: { shared: readonly string[]; signal: AbortSignal },
): Promise<void> {
  const { shared, signal } = how;
  await makeLike(from, to);
  const names = (await readdir(from)).filter((name) => !shared.includes(join(from, name)));
  const isParted = (name: string): boolean => shared.some((path) => path.startsWith(`${join(from, name)}/`));
  const whole = names.filter((name) => !isParted(name));
  for (let at = 0; at < whole.length; at += atOnce) {
    const some = whole.slice(at, at + atOnce).map((name) => join(from, name));
    await run(['cp', '--archive', '--reflink=auto', '--target-directory', to, '--', ...some], signal);
  }
  for (const name of names.filter(isParted)) await copyTree(join(from, name), join(to, name), how);
}

async function run(command: readonly [string, ...string[]], signal: AbortSignal): Promise<void> {
  const { code, stderr } = await exec([...dieTogether, ...command], {
    timeoutMs: copyMs,
    signal,
    env: { LC_ALL: 'C' },
  });
  if (code === 0) return;
  const why = stderr.trim().split('\n')[0] ?? '';
  const kind = /No space left/.test(why) ? 'disk' : /denied|not permitted/.test(why) ? 'permission' : 'failed';
  throw new CutoverError(kind, `the copy failed: ${why}`, { mend: 'df -h; ls -la' });
}

/** A directory with another one's owner and mode; one that is there is left as it is. */
async function makeLike(model: string, path: string): Promise<void> {
  if (await isThere(path)) return;
  const { uid, gid, mode } = await stat(model);
  await mkdir(path, { recursive: true }).catch((error: unknown) => {
    throw fileError(error, 'cannot create', path);
  });
  if (process.geteuid?.() === 0) await chown(path, uid, gid);
  await chmod(path, mode & 0o7777);
}
