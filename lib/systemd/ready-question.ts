import { PassThrough } from 'node:stream';
import { exec } from '../base/exec.ts';
import { type JournalAnswer, type JournalQuery, journalBounds, journalCommand, readAnswer } from './journal.ts';

/** A question to the journal that is begun before its moment: to start a program takes longer than to read what is new. */
export interface ReadyQuestion {
  /** Asks it now. @returns null where that cannot be: it is another one, it was asked before, or it was kept for too long */
  ask: (query: JournalQuery) => Promise<JournalAnswer | null>;
  /** Nobody will ask it. */
  drop: () => void;
}

/** Nobody who waits for longer than this is in want of some milliseconds. */
const keptMs = 10_000;

/** Becomes the command that stands behind it once it is told a line; told nothing it ends. sh(1): of `read` and `exec` */
const onceTold = ['sh', '-c', 'read -r line && exec "$@"', 'sh'] as const;
/** As the shell says that a command cannot be run, sh(1): whoever starts it without a shell says why. */
const notRun = [126, 127];

/** Begins what will put this question, for who has nothing else to do just now. Never an error. */
export function prepareQuestion(query: JournalQuery): ReadyQuestion {
  const command = journalCommand(query);
  const input = new PassThrough();
  const bounds = { ...journalBounds, timeoutMs: keptMs, signal: query.signal };
  const answered = exec([...onceTold, ...command], { ...bounds, input }).then(
    (result) => (result.code === null || notRun.includes(result.code) ? null : readAnswer(result)),
    () => null,
  );
  let isOpen = true;
  const end = (line: string): boolean => {
    const wasOpen = isOpen;
    isOpen = false;
    if (wasOpen) input.end(line);
    return wasOpen;
  };
  return {
    async ask(asked) {
      const isSame = journalCommand(asked).join('\0') === command.join('\0');
      return isSame && end('\n') ? answered : null;
    },
    drop: () => void end(''),
  };
}
