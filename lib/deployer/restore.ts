import { basename } from 'node:path';
import { ExitCode } from '../base/errors.ts';
import { isThere } from '../base/files.ts';
import { currentBuild } from '../builds/current.ts';
import { originOf } from '../builds/origin.ts';
import { backupPath } from '../database/names.ts';
import { type OpenedBackup, withBackup } from '../database/restore.ts';
import { carryOut } from '../deploy/carry-out.ts';
import { dataSteps } from '../deploy/restore-plan.ts';
import { isAnyUp, whileStopped } from '../deploy/while-stopped.ts';
import type { RunDocument } from '../run/document.ts';
import { nextRunId } from '../run/history.ts';
import type { RunInputs } from '../run/inputs.ts';
import { ownerOf } from './backup.ts';
import { whileHeld } from './held.ts';
import { type Place, placeInputs } from './place.ts';

/** What a restore came to, as `--json` prints it. */
export interface RestoreReport {
  target: string;
  file: string;
  /** the backup of what was there before; null: there was nothing, or nothing that could be backed up */
  replaced: string | null;
  duration_ms: number;
  exit_code: number;
  /** how the service was stopped, started and proven; null: nothing of it ran, or nothing was ever deployed */
  run: RunDocument | null;
}

/**
 * Puts a backup in the place of a target's database. The file is seen to be whole before anything is touched; the service
 * is stopped meanwhile, started again and proven, where it runs.
 * @param file as `findBackup` gives it
 * @throws `config` without a database; `refused` when the file is no whole backup or nothing ran and the database does not
 * take it; `locked`, `disk`, `permission`; the signal's reason
 */
export async function restore(
  place: Place,
  { file, waitMs }: { file: string; waitMs: number },
): Promise<RestoreReport> {
  const owner = ownerOf(place);
  const began = performance.now();
  return whileHeld(place, { doing: `restore of ${basename(file)}`, waitMs }, (_settled, guard) =>
    withBackup(owner, { file, signal: place.signal }, async (opened) => {
      const inputs = await inputsOf(place);
      await guard();
      place.signal.throwIfAborted();
      const run = await put(inputs, opened, place);
      const kept = backupPath(owner, inputs.run);
      const replaced = (await isThere(kept)) ? kept : null;
      const duration_ms = Math.round(performance.now() - began);
      const exit_code = run?.exit_code ?? ExitCode.done;
      return { target: owner.target, file, replaced, duration_ms, exit_code, run };
    }),
  );
}

/** A service that runs is stopped, started and proven as a run, which is ended when this process dies. */
async function put(inputs: RunInputs, opened: OpenedBackup, place: Place): Promise<RunDocument | null> {
  const { target, systemd, signal } = place;
  const isUp = await isAnyUp(systemd, target);
  if (isUp && inputs.from !== null) return carryOut(inputs, [], { ...place, opened });
  await whileStopped(target, { systemd, isStarted: isUp }, async () => {
    for (const step of dataSteps(inputs, { ...place, opened })) await step.apply(signal);
  });
  return null;
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
  const known = { invocationBefore: facts.invocationId, memoryBefore: null, startedAt: new Date().toISOString() };
  return { ...what, from: current, to: current ?? '', back: current, ...known };
}
