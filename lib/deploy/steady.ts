import { sleep } from '../base/wait.ts';
import { StepFailure } from '../run/failure.ts';
import { isActive, type UnitVitals } from '../systemd/facts.ts';

/** systemd sends its signals when it has nothing else to do. */
const signalMs = 1_000;

/**
 * A unit that the gate looks at stays up, and is not restarted. Of one that is down its own signals tell whose doing that is, and they
 * may come behind the answer to a question.
 * @param restartsBefore how often systemd had restarted it at the first look
 * @throws `StepFailure` restarting, exited; the signal's reason
 */
export async function requireSteady(
  { unit, activeState, subState, restarts }: UnitVitals,
  restartsBefore: number,
  signal: AbortSignal,
): Promise<void> {
  if (restarts > restartsBefore)
    throw new StepFailure('restarting', `${unit} restarted ${restarts - restartsBefore} times since its start`);
  if (isActive(activeState)) return;
  await sleep(signalMs, signal);
  throw new StepFailure('exited', `${unit} is ${activeState} (${subState})`);
}
