import { CutoverError, isCutoverError } from './errors.ts';
import { exec } from './exec.ts';

/** flock(1) ends with this when somebody else has the lock. */
const conflictCode = 75;

/**
 * Puts an exclusive lock (flock(2)) on an open file or directory, through flock(1) since Node has no call for it. It belongs
 * to the open file of this process: the kernel frees it when that is closed, at any death too.
 * @param waitMs 0: do not wait
 * @returns whether it was taken; false: somebody else has it
 * @throws `refused` where flock cannot work, or is not there; the signal's reason when aborted
 */
export async function lockDescriptor(
  descriptor: number,
  { waitMs, signal }: { waitMs: number; signal?: AbortSignal },
): Promise<boolean> {
  const how = waitMs > 0 ? ['--timeout', String(waitMs / 1000)] : ['--nonblock'];
  const command = ['flock', '--exclusive', ...how, '--conflict-exit-code', String(conflictCode), '3'] as const;
  const options = { timeoutMs: waitMs + 10_000, descriptors: [descriptor], signal };
  const answer = await exec(command, { ...options, isMute: true }).catch((error: unknown) => {
    throw isCutoverError(error, 'not_found') ? unable('flock is not installed', error) : error;
  });
  // What flock says is only worth reading where it does not work.
  const isAnswer = answer.code === 0 || answer.code === conflictCode;
  const { code, stderr } = isAnswer ? answer : await exec(command, options);
  if (code === 0) return true;
  if (code === conflictCode) return false;
  throw unable(`flock ended with ${code}: ${stderr.trim()}`);
}

/** Without a lock nothing is changed. */
function unable(message: string, cause?: unknown): CutoverError {
  return new CutoverError('refused', message, { mend: 'apt-get install util-linux', cause });
}
