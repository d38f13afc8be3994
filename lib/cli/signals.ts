import { CutoverError } from '../base/errors.ts';
import { openController } from '../base/wait.ts';
import { interruption } from '../run/engine.ts';

/**
 * SIGINT and SIGTERM abort the signal, once: a second one must not cut off the way back.
 * SIGHUP changes nothing: the run goes on without its terminal.
 */
export function interruptSignal(): AbortSignal {
  listenersOf('SIGHUP');
  return abortedBy(['SIGINT', 'SIGTERM']);
}

/**
 * A run that was suspended (Ctrl-Z) would leave the service as it is then, perhaps stopped, for as long as nobody thinks of it: so
 * this changes nothing either, and whoever tried is told.
 */
export function refuseSuspension({ complain }: { complain: (text: string) => void }): void {
  if (process.listenerCount('SIGTSTP') > 0) return;
  process.on('SIGTSTP', () => complain('cutover: a run cannot be suspended: it goes on\n'));
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

/**
 * Whom a signal aborts. The process has one listener for each: a call that added its own would never take it away again, and
 * one push asks for a signal many times.
 */
const abortedOn = new Map<NodeJS.Signals, Set<AbortController>>();

function abortedBy(names: readonly NodeJS.Signals[]): AbortSignal {
  const controller = openController();
  for (const name of names) listenersOf(name).add(controller);
  return controller.signal;
}

/** Empty after each signal: who asks later waits for the next one. */
function listenersOf(name: NodeJS.Signals): Set<AbortController> {
  const known = abortedOn.get(name);
  if (known) return known;
  const controllers = new Set<AbortController>();
  abortedOn.set(name, controllers);
  process.on(name, () => {
    for (const controller of controllers) controller.abort(interruption(name));
    controllers.clear();
  });
  return controllers;
}
