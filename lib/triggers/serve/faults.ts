import type { ServeLog } from './log.ts';

/** Errors that nobody expected: they are told, and end nothing. */
export interface Faults {
  note(message: string, error: unknown): void;
  /** in a sentence, as long as it is fresh; null: there was none lately */
  problem(): string | null;
}

const freshMs = 5 * 60_000;

/** @param nowMs a clock that no one sets */
export function noteFaults(log: Pick<ServeLog, 'tell'>, nowMs: () => number = () => performance.now()): Faults {
  let last: { message: string; atMs: number } | null = null;
  return {
    note(message, error) {
      last = { message, atMs: nowMs() };
      const where = error instanceof Error ? (error.stack?.split('\n').slice(1, 4).join(' ') ?? '') : '';
      log.tell(3, `${message} ${where}`);
    },
    problem: () => (last && nowMs() - last.atMs < freshMs ? last.message : null),
  };
}

/** W1: what nobody caught must not end the process; whoever asks for its health is told. @returns takes it back */
export function surviveFaults(faults: Faults, process: NodeJS.EventEmitter): () => void {
  const note = (error: unknown): void => {
    faults.note(`an error that nobody caught: ${error instanceof Error ? error.message : String(error)}`, error);
  };
  process.on('uncaughtException', note);
  process.on('unhandledRejection', note);
  return () => {
    process.off('uncaughtException', note);
    process.off('unhandledRejection', note);
  };
}
