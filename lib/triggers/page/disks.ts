import { readFileSync } from 'node:fs';
import { realpath, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { withDeadline } from '../../base/wait.ts';
import { mountOf, type MountTable, parseMounts } from '../../systemd/mounts.ts';

/** Whether files can be asked for: a question to a file system that hangs keeps one of Node's four threads, however long. */
export interface Disks {
  /** @throws `timeout` where the file system of the directory does not answer; the signal's reason */
  verifyAnswer: (directory: string) => Promise<void>;
}

/** What is asked. */
export interface Asking {
  /** Puts the question. @returns the directory without symbolic links; throws where there is no such directory */
  ask: (directory: string) => Promise<string>;
  /** what is mounted now; this never hangs */
  mounts: () => MountTable;
}

/** Asks file systems for a sign of life: each with one question at a time, which is not put again before it is answered. */
export function openDisks(
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
  { ask, mounts }: Asking = { ask: placeOf, mounts: mountsNow },
): Disks {
  const places = new Map<string, string>();
  const answers = new Map<string, Promise<void>>();
  const look = async (directory: string): Promise<void> => {
    const place = await ask(directory).catch(() => null);
    // That there is no such directory is an answer too.
    if (place === null) places.delete(directory);
    else places.set(directory, place);
  };
  const verifyAnswer = async (directory: string): Promise<void> => {
    const above = dirname(directory);
    // Of directories that never answered, those below one that hangs are not asked for.
    if (!places.has(directory) && above !== directory) await verifyAnswer(above);
    // What is on one file system is asked for by one question. Which one that is may be another at each look.
    const place = places.get(directory);
    const key = (place && mountOf(mounts(), place)?.device) ?? directory;
    const bounds = { what: `the file system of ${directory} did not answer`, timeoutMs, signal };
    const put = (): Promise<void> => withDeadline(bounds, () => look(directory).finally(() => answers.delete(key)));
    const answer = answers.get(key) ?? put();
    answers.set(key, answer);
    return answer;
  };
  return { verifyAnswer };
}

async function placeOf(directory: string): Promise<string> {
  // A network's file system answers stat(2) from memory for a while.
  await statfs(directory);
  return realpath(directory);
}

/** Read at once: it comes from the kernel's memory, and all threads may be waiting. Where there is no /proc, each directory is asked by itself. */
function mountsNow(): MountTable {
  try {
    return parseMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
  } catch {
    return new Map();
  }
}
