import { CutoverError } from '../../../base/errors.ts';
import { type Command, exec } from '../../../base/exec.ts';
import type { PinnedDirectory } from '../../../base/pinned-directory.ts';

const workMs = 60 * 60_000;
/** Alone it would go on where nobody waits for it. */
const dieTogether = ['setpriv', '--pdeathsig', 'KILL', '--'] as const;
/** The number that a program has its first descriptor under, after the three that everybody has. */
const firstDescriptor = 3;

/** Work of a program on directories that are pinned. */
export interface Work {
  /** the beginning of the sentence that tells what failed */
  doing: string;
  directories: readonly PinnedDirectory[];
  /** @param paths what leads into each of the directories, in the program */
  command: (...paths: string[]) => Command;
  signal: AbortSignal;
}

/**
 * Runs a program that is given directories as they are open here, and so asks nobody for their names again.
 * @throws `permission`, `disk`, `failed`; the signal's reason when aborted
 */
export async function runOn({ doing, directories, command, signal }: Work): Promise<void> {
  const paths = directories.map((_, at) => `/proc/self/fd/${firstDescriptor + at}`);
  const { code, stderr, timedOut } = await exec([...dieTogether, ...command(...paths)], {
    timeoutMs: workMs,
    signal,
    env: { LC_ALL: 'C' },
    descriptors: directories.map(({ file }) => file.fd),
  });
  if (code === 0) return;
  const said = directories.reduce((text, { name }, at) => text.replaceAll(paths[at] ?? name, () => name), stderr);
  const why = timedOut ? `not done within ${workMs / 60_000} min` : (said.trim().split('\n')[0] ?? '');
  const kind = /No space left/.test(why) ? 'disk' : /denied|not permitted/.test(why) ? 'permission' : 'failed';
  throw new CutoverError(kind, `${doing} failed: ${why}`, { mend: 'df -h; ls -la' });
}
