import { chmod, chown, mkdir, readdir, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { CutoverError, fileError } from '../../../base/errors.ts';
import { exec } from '../../../base/exec.ts';
import { isThere, move, syncDirectory } from '../../../base/files.ts';
import { removeTrees } from '../../../base/remove.ts';
import { clearIncoming, openIncoming } from '../../../builds/intake/incoming.ts';
import { incomingName } from '../../../builds/layout.ts';
import { removeFolders } from '../install/record.ts';

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
 * whole and on the disk. What comes in beside it is left alone.
 * @throws `permission`, `disk`, `failed`, `refused`; the signal's reason when aborted
 */
export async function copyIn({ source, builds, build, shared, signal }: Copying): Promise<void> {
  await makeLike(source, builds);
  const folder = await openIncoming(builds, signal);
  try {
    const copy = join(folder.path, build);
    await copyTree(source, copy, { shared, signal });
    for (const path of shared) await symlink(path, join(copy, relative(source, path)));
    await run(['sync', '--file-system', copy], signal);
    await move(copy, join(builds, build));
  } finally {
    await folder.close();
  }
  await removeFolders([join(builds, incomingName)]);
  await syncDirectory(builds);
  await syncDirectory(dirname(builds));
}

/** Takes away what `copyIn` and the link have put there, whatever of it there is; other builds stay. */
export async function removeCopy({ builds, build }: Pick<Copying, 'builds' | 'build'>): Promise<void> {
  const { signal } = new AbortController();
  const problems = await removeTrees([join(builds, build)], signal);
  for (const problem of problems.values()) throw problem;
  await clearIncoming(builds, signal);
  await removeFolders([join(builds, incomingName)]);
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
  const { code, stderr, timedOut } = await exec([...dieTogether, ...command], {
    timeoutMs: copyMs,
    signal,
    env: { LC_ALL: 'C' },
  });
  if (code === 0) return;
  const why = timedOut ? `not done within ${copyMs / 60_000} min` : (stderr.trim().split('\n')[0] ?? '');
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
