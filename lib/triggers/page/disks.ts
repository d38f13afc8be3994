import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { withDeadline } from '../../base/wait.ts';

/** Whether files can be asked for: a question to a file system that hangs keeps one of Node's four threads, however long. */
export interface Disks {
  /** @throws `timeout` where the file system of the directory does not answer; the signal's reason */
  verifyAnswer: (directory: string) => Promise<void>;
}

/**
 * Asks file systems for a sign of life: each with one question at a time, which is not put again before it is answered.
 * @param device the number of the device that a directory is on; throws where there is no such directory
 */
export function openDisks({ timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal }, device = deviceOf): Disks {
  const devices = new Map<string, number>();
  const answers = new Map<string | number, Promise<void>>();
  const ask = async (directory: string): Promise<void> => {
    const found = await device(directory).catch(() => null);
    // That there is no such directory is an answer too.
    if (found === null) devices.delete(directory);
    else devices.set(directory, found);
  };
  const verifyAnswer = async (directory: string): Promise<void> => {
    const above = dirname(directory);
    // Of directories that never answered, those below one that hangs are not asked for.
    if (!devices.has(directory) && above !== directory) await verifyAnswer(above);
    // What was on one device is asked for by one question.
    const key = devices.get(directory) ?? directory;
    const bounds = { what: `the file system of ${directory} did not answer`, timeoutMs, signal };
    const put = (): Promise<void> => withDeadline(bounds, () => ask(directory).finally(() => answers.delete(key)));
    const answer = answers.get(key) ?? put();
    answers.set(key, answer);
    return answer;
  };
  return { verifyAnswer };
}

async function deviceOf(directory: string): Promise<number> {
  // A network's file system answers stat(2) from memory for a while.
  await statfs(directory);
  return (await stat(directory)).dev;
}
