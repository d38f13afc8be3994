import { PassThrough } from 'node:stream';
import { exec } from '../base/exec.ts';
import { openController } from '../base/wait.ts';
import { type JournalAnswer, type JournalQuery, journalBounds, journalCommand, readAnswer } from './journal.ts';

/** A question to the journal that is begun before its moment: to start a program takes longer than to read what is new. */
export interface ReadyQuestion {
  /**
   * Asks it now.
   * @returns null where it is to be asked anew: it is another one, was asked or dropped before, or came to nothing
   * @throws the reason of the query's signal
   */
  ask: (query: JournalQuery) => Promise<JournalAnswer | null>;
  /** Nobody will ask it. */
  drop: () => void;
}

/** Nobody who waits for longer than this is in want of some milliseconds. */
const usuallyKeptMs = 10_000;

/** Becomes the command that stands behind it once it is told a line; told nothing it ends. sh(1): of `read` and `exec` */
const onceTold = ['sh', '-c', 'read -r line && exec "$@"', 'sh'] as const;

/**
 * Begins what will put this question, for who has nothing else to do just now. Never an error.
 * @param keptMs it is dropped when nobody has asked it by then
 */
export function prepareQuestion(query: JournalQuery, keptMs: number = usuallyKeptMs): ReadyQuestion {
  const command = journalCommand(query);
  const input = new PassThrough();
  const ended = openController();
  const endWith = (signal?: AbortSignal): void => {
    if (signal?.aborted) ended.abort();
    signal?.addEventListener('abort', () => ended.abort(), { once: true });
  };
  endWith(query.signal);
  const answered = answerOf([...onceTold, ...command], { input, signal: ended.signal, timeoutMs: keptMs });
  const tell = (line: string): boolean => !input.writableEnded && Boolean(input.end(line));
  setTimeout(() => tell(''), keptMs).unref();
  return {
    async ask(asked) {
      if (journalCommand(asked).join('\0') !== command.join('\0') || !tell('\n')) return null;
      endWith(asked.signal);
      const answer = await answered;
      asked.signal?.throwIfAborted();
      return answer;
    },
    drop: () => void tell(''),
  };
}

/** An exit code may be the shell's own, so only a good one is believed; whoever asks anew is told what is wrong. */
async function answerOf(
  command: readonly [string, ...string[]],
  { timeoutMs, ...how }: { input: PassThrough; signal: AbortSignal; timeoutMs: number },
): Promise<JournalAnswer | null> {
  const bounds = { ...journalBounds, timeoutMs: timeoutMs + journalBounds.timeoutMs };
  return exec(command, { ...bounds, ...how }).then(
    (result) => (result.code === 0 ? readAnswer(result) : null),
    () => null,
  );
}
