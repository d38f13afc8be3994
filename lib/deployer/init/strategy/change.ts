import { CutoverError, isCutoverError, messageOf } from '../../../base/errors.ts';
import type { StagedFile } from '../../../base/files.ts';
import type { TargetConfig } from '../../../config/model.ts';
import { downtimeMeter } from '../../../deploy/downtime.ts';
import { holdersOf } from '../../../deploy/ports.ts';
import { reasonOf } from '../../../run/failure.ts';
import { journalctl } from '../../../systemd/typed.ts';
import type { Place } from '../../place.ts';
import { initCommand } from '../names.ts';
import { wayBackFailed } from '../way-back-failed.ts';
import { type Crossing, enterSocket, leaveSocket, prepareSocket, removeOurs, watchAsItIs } from './crossing.ts';
import { confirm, wayOf } from './finish.ts';
import { adviceFor } from './program.ts';
import { complaintOf, isSeenWaiting, proveServing } from './proof.ts';
import { type ChangeRecord, stageRecord, writeRecord } from './record.ts';
import { rehearseStandIn } from './rehearsal.ts';
import { requireSuited } from './suited.ts';
import { crossingOf, takeBack } from './way-back.ts';

/**
 * Carries a change of strategy out: files, at most one restart, the proof, and the configuration last.
 * @returns how long nobody accepted on the ports, in milliseconds; null: no restart was needed
 * @throws `taken_back` when the service did not serve so and serves as before; `failed` when it does not; what stood in the
 *   way before the restart, with nothing changed
 */
export async function carryChange(place: Place, record: ChangeRecord): Promise<number | null> {
  const holders = await holdersOf(place.systemd, place.target.unit);
  // Asked once: while systemd reads its files anew it answers nobody, and the port would be closed unseen.
  const meter = downtimeMeter(place.target.ports, async () => holders);
  const sinceMs = Date.now();
  let isRestarted = false;
  const onRestart = (): void => {
    isRestarted = true;
  };
  const target = { ...place.target, strategy: record.to };
  const crossing = { ...crossingOf(place, record), onRestart };
  await writeRecord(place.paths, record);
  meter.start();
  const proof = await carry(place, { target, crossing, record, sinceMs }).catch(async (error: unknown) => {
    await meter.stop();
    throw await afterFailure(place, record, { error, isRestarted, sinceMs });
  });
  const closedMs = await meter.stop();
  await confirm(place, record, proof);
  return isRestarted ? closedMs : null;
}

/** What it takes to serve by the new strategy. @returns the record that says so, which needs no room any more */
async function carry(place: Place, move: Move): Promise<StagedFile> {
  const { record } = move;
  const proof = await stageRecord(place.paths, { ...record, isProven: true });
  await (record.to === 'restart' ? outOfSocket : intoSocket)(place, move);
  place.signal.throwIfAborted();
  return proof;
}

interface Move {
  /** with the new strategy */
  target: TargetConfig;
  crossing: Crossing;
  record: ChangeRecord;
  sinceMs: number;
}

async function intoSocket(place: Place, { target, crossing, record, sinceMs }: Move): Promise<void> {
  const { systemd, signal } = place;
  const [canBeSeen, { invocationId }] = await Promise.all([isSeenWaiting(systemd, target), systemd.facts(target.unit)]);
  await prepareSocket(crossing, record.files, 'after');
  await requireSuited(place, target);
  const entered = await enterSocket(crossing, signal);
  const life = entered ?? (await watchAsItIs(crossing));
  const invocationBefore = entered ? invocationId : null;
  const proving = { target, invocationBefore, canBeSeen, sinceMs, life, signal };
  await proveServing(place, proving).finally(life.stop);
  if (target.strategy === 'overlap') await rehearseStandIn(place, target, signal);
}

async function outOfSocket(place: Place, { target, crossing, sinceMs }: Move): Promise<void> {
  const { signal } = place;
  const life = (await leaveSocket(crossing, signal)) ?? (await watchAsItIs(crossing));
  const proving = { target, invocationBefore: null, canBeSeen: false, sinceMs, life, signal };
  await proveServing(place, proving).finally(life.stop);
  await removeOurs(crossing);
}

/** Takes everything back. @returns what to throw */
async function afterFailure(
  place: Place,
  record: ChangeRecord,
  { error, isRestarted, sinceMs }: { error: unknown; isRestarted: boolean; sinceMs: number },
): Promise<unknown> {
  const { unit, from, to } = record;
  const said = isRestarted ? await complaintOf(place, { sinceMs }) : null;
  const what = `${unit} does not serve ${wayOf[to]}: ${messageOf(error)}${said ? ` (${said})` : ''}`;
  const look = journalctl(place.config.manager, unit);
  const failed = (second: unknown, then: string): CutoverError =>
    wayBackFailed(what, second, { mend: `${look}; ${then}`, cause: error });
  try {
    const problem = await takeBack(place, record);
    if (problem) return failed(problem, 'everything is as before; cutover rollback brings an older build back');
  } catch (second) {
    return failed(second, `then go on with the way back: ${initCommand(unit, place.paths)} --strategy ${from}`);
  }
  if (!isRestarted && isCutoverError(error)) return error;
  const isInterrupted = isCutoverError(error, 'interrupted');
  const isSure = said !== null || reasonOf(error) === 'port_taken';
  const mend = isInterrupted || to === 'restart' ? look : adviceFor({ unit, to }, place.target.ports, isSure);
  const ended = `${isInterrupted ? messageOf(error) : what}; it serves ${wayOf[from]} again, as before`;
  return new CutoverError(isRestarted ? 'taken_back' : 'refused', ended, { mend, cause: error });
}
