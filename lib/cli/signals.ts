import { openController } from '../base/wait.ts';
import { interruption } from '../run/engine.ts';

/**
 * SIGINT and SIGTERM abort the signal, once: a second one must not cut off the way back.
 * SIGHUP changes nothing: the run goes on without its terminal.
 */
export function interruptSignal(): AbortSignal {
  const controller = openController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => controller.abort(interruption(name)));
  }
  process.on('SIGHUP', () => {});
  return controller.signal;
}
