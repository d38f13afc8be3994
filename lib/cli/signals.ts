import { CutoverError } from '../base/errors.ts';
import { openController } from '../base/wait.ts';
import { interruption } from '../run/engine.ts';

/**
 * SIGINT and SIGTERM abort the signal, once: a second one must not cut off the way back.
 * SIGHUP changes nothing: the run goes on without its terminal.
 */
export function interruptSignal(): AbortSignal {
  process.on('SIGHUP', () => {});
  return abortedBy(['SIGINT', 'SIGTERM']);
}

/** For what only looks: it has nothing to bring to an end, so it ends with its terminal too. */
export function watcherSignal(): AbortSignal {
  return abortedBy(watcherSignals);
}

/** What ends a command that only looks. */
export const watcherSignals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** @throws `usage` when a command that goes on is asked for the one document of `--json` */
export function requireOneDocument({ json }: { json?: boolean }, flag: string, isGiven: boolean | undefined): void {
  if (!json || !isGiven) return;
  throw new CutoverError('usage', `--json prints one document, and ${flag} has no end`, {
    mend: 'leave one of them out',
  });
}

function abortedBy(names: readonly NodeJS.Signals[]): AbortSignal {
  const controller = openController();
  for (const name of names) process.on(name, () => controller.abort(interruption(name)));
  return controller.signal;
}
