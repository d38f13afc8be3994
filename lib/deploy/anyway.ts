import { messageOf } from '../base/errors.ts';
import { recordAnyway } from '../run/engine.ts';
import { stageInFlight } from '../run/in-flight.ts';
import type { RunInputs } from '../run/inputs.ts';
import { type Ledger, openLedger } from '../run/ledger.ts';
import { ledgerPath, type StatePaths } from '../run/state.ts';
import type { RunTools } from './run-tools.ts';

type Tools = Pick<RunTools, 'paths' | 'emit' | 'redact'>;

/** Opens the ledger of a run that has to go on: a disk that is full or read-only must not keep a service from coming back. */
export async function openAnyway(run: string, { paths, emit, redact }: Tools): Promise<Ledger> {
  return openLedger(paths, run, redact).catch((error: unknown) => {
    tellUnwritten(error, emit);
    return { path: ledgerPath(paths, run), write: () => Promise.reject(error), close: () => Promise.resolve() };
  });
}

/** The same ledger, for steps that go on where a line cannot be written. */
export function unfailing(ledger: Ledger): Ledger {
  return { ...ledger, write: (entry, options) => recordAnyway(ledger, entry, options).then(() => {}) };
}

/** Begins the record of the emergency exit, which goes on where there can be none: then nobody settles it. */
export async function beginAnyway(inputs: RunInputs, ledger: Ledger, { paths, emit }: Tools): Promise<void> {
  await beginRun(inputs, ledger, paths).catch((error: unknown) => tellUnwritten(error, emit));
}

/** Begins the record of a run, and then marks it as in flight. @throws `disk`, `permission` */
export async function beginRun(inputs: RunInputs, ledger: Ledger, paths: StatePaths): Promise<void> {
  const [begun, mark] = await Promise.allSettled([
    ledger.write({ type: 'begin', inputs }),
    stageInFlight(paths, inputs.run),
  ]);
  if (mark.status === 'rejected') throw begun.status === 'rejected' ? begun.reason : mark.reason;
  if (begun.status === 'fulfilled') return mark.value.commit();
  await mark.value.discard().catch(() => {});
  throw begun.reason;
}

function tellUnwritten(error: unknown, emit: RunTools['emit']): void {
  emit({ type: 'note', message: `this is not written down: ${messageOf(error)}` });
}
