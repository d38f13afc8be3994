import { basename } from 'node:path';
import { CutoverError, ExitCode } from '../base/errors.ts';
import { isThere } from '../base/files.ts';
import { currentBuild } from '../builds/current.ts';
import { originOf } from '../builds/origin.ts';
import { backupPath } from '../database/names.ts';
import type { PutBack } from '../database/kind.ts';
import { type OpenedBackup, type PutRequest, withBackup } from '../database/restore.ts';
import { carryOut } from '../deploy/carry-out.ts';
import { dataSteps } from '../deploy/restore-plan.ts';
import { socketsOf } from '../deploy/socket-units.ts';
import { isAnyUp, whileStopped } from '../deploy/while-stopped.ts';
import { documentOf, type RunDocument } from '../run/document.ts';
import { type Applied, applySteps, recordAnyway } from '../run/engine.ts';
import { nextRunId } from '../run/history.ts';
import type { RunInputs } from '../run/inputs.ts';
import { openLedger } from '../run/ledger.ts';
import { activeAlongside } from '../systemd/alongside.ts';
import { systemctl } from '../systemd/typed.ts';
import { ownerOf } from './backup.ts';
import { whileHeld } from './held.ts';
import { type Place, placeInputs } from './place.ts';

/** What a restore came to, as `--json` prints it. */
export interface RestoreReport {
  target: string;
  file: string;
  /** the backup of what was there before; null: there was nothing, or nothing that could be backed up */
  replaced: string | null;
  /** the damaged database that was there before; null: none was */
  set_aside: string | null;
  duration_ms: number;
  exit_code: number;
  /** how the service was stopped, started and proven; its `active` is null where nothing of it ran */
  run: RunDocument;
}

/**
 * Puts a backup in the place of a target's database. The file is seen to be whole before anything is touched; the service
 * is stopped meanwhile, started again and proven, where it runs.
 * @param file as `findBackup` gives it
 * @throws `config` without a database; `refused` when the file is no whole backup, when what runs was never deployed, or when
 * nothing ran and the database does not take it; `locked`, `disk`, `permission`; the signal's reason
 */
export async function restore(
  configured: Place,
  { file, waitMs }: { file: string; waitMs: number },
): Promise<RestoreReport> {
  const owner = ownerOf(configured);
  const began = performance.now();
  return whileHeld(configured, { doing: `restore of ${basename(file)}`, waitMs }, ({ place, guard }) =>
    withBackup(owner, { file, signal: place.signal }, async (backup) => {
      const inputs = await inputsOf(place);
      await guard();
      place.signal.throwIfAborted();
      let set_aside: string | null = null;
      const put = async (how: PutRequest): Promise<PutBack> => {
        const done = await backup.put(how);
        set_aside = done.setAside;
        return done;
      };
      const run = await carryOutRestore(inputs, { put }, place);
      const kept = backupPath(owner, inputs.run);
      const replaced = (await isThere(kept)) ? kept : null;
      const duration_ms = Math.round(performance.now() - began);
      return { target: owner.target, file, replaced, set_aside, duration_ms, exit_code: run.exit_code, run };
    }),
  );
}

/** A service that runs is stopped, started and proven as a run, which is ended when this process dies. */
async function carryOutRestore(inputs: RunInputs, opened: OpenedBackup, place: Place): Promise<RunDocument> {
  const { systemd, target, config } = place;
  if (!(await isAnyUp(systemd, target))) return restoreAlone(inputs, opened, place);
  if (inputs.from !== null) return carryOut(inputs, [], { ...place, opened });
  // Nobody could prove it afterwards, nor start it after a death in between.
  const units = [...(await socketsOf(systemd, target.unit)), target.unit].join(' ');
  throw new CutoverError('refused', `${target.unit} runs, and no build of it was ever deployed`, {
    mend: `${systemctl(config.manager, `stop ${units}`)}, then the same command again, and start it yourself`,
  });
}

/** Where nothing runs there is nothing to prove, and nothing to end: only the data is put. */
async function restoreAlone(inputs: RunInputs, opened: OpenedBackup, place: Place): Promise<RunDocument> {
  const { target, systemd, signal, emit, paths, redact } = place;
  const ledger = await openLedger(paths, inputs.run, redact);
  try {
    await ledger.write({ type: 'begin', inputs });
    emit({ type: 'begin', inputs });
    const applied = await whileStopped(target, { systemd, isStarted: false }, () =>
      applySteps(dataSteps(inputs, { ...place, opened }), { ledger, emit, signal }),
    );
    const document = documentOfAlone(inputs, applied);
    await recordAnyway(ledger, { type: 'outcome', document });
    if (applied.failure) throw applied.error;
    return document;
  } finally {
    await ledger.close();
  }
}

function documentOfAlone(inputs: RunInputs, { records: steps, failure }: Applied): RunDocument {
  const ended = failure
    ? { outcome: 'refused' as const, exit_code: ExitCode.refused }
    : { outcome: 'deployed' as const, exit_code: ExitCode.done };
  const ending = { ...ended, active: null, downtime_ms: null, steps, checks: [], failure };
  return { ...documentOf(inputs, ending), to: inputs.from };
}

async function inputsOf(place: Place): Promise<RunInputs> {
  const { target, systemd, paths } = place;
  const [facts, current, run] = await Promise.all([
    systemd.facts(target.unit),
    currentBuild(target.builds),
    nextRunId(paths),
  ]);
  const origin = current === null ? {} : await originOf(target.builds, current);
  const what = { run, kind: 'restore' as const, ...placeInputs(place), ...origin };
  const before = { invocationBefore: facts.invocationId, memoryBefore: null };
  const known = { ...before, alongside: await activeAlongside(systemd, facts), startedAt: new Date().toISOString() };
  return { ...what, from: current, to: current ?? '', back: current, ...known };
}
