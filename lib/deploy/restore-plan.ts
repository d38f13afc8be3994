import { messageOf } from '../base/errors.ts';
import { openController } from '../base/wait.ts';
import { isThere } from '../base/files.ts';
import { backupPath } from '../database/names.ts';
import { StepFailure } from '../run/failure.ts';
import type { RunInputs } from '../run/inputs.ts';
import type { Step, StepFacts } from '../run/step.ts';
import { startAlongside } from './alongside.ts';
import { madeForMissing } from './made-for.ts';
import { gateStep, type PlanTools } from './strategy.ts';
import { startAll, stopAll } from './while-stopped.ts';

/** A step that changes the data hands on what the one before it saw. */
interface Kept {
  isDamaged?: boolean;
}

/**
 * Puts a backup in the place of the database while nothing of the target runs, and proves that the service is well with
 * it. There is no way back from the restore itself: it is done entirely or not at all, and what it replaced is kept.
 */
export function restorePlan(inputs: RunInputs, tools: PlanTools): Step[] {
  const { target } = inputs;
  const { systemd, meter } = tools;
  const kept: Kept = {};
  return [
    {
      name: 'stop',
      does: `stop ${target.unit}, and what would start it`,
      apply: async () => {
        meter.start();
        await stopAll(systemd, target);
      },
      revert: () => startAgain(inputs, tools),
    },
    ...dataSteps(inputs, tools, kept),
    {
      name: 'start',
      does: `start ${target.unit}`,
      isGoneAtBoot: true,
      apply: () => startAll(systemd, target, meter.opened),
      prove: (signal) => startAlongside(inputs, tools, signal),
    },
    gateStep(inputs, tools, {}),
  ];
}

/** With what there was: whoever died in the middle of it may have left a log in another place. That keeps no service down. */
async function startAgain(inputs: RunInputs, tools: PlanTools): Promise<void> {
  const { target } = inputs;
  const { endPut } = await import('../database/restore.ts');
  if (target.database) await endPut(target.database).catch(() => {});
  await startAll(tools.systemd, target, tools.meter.opened);
  await startAlongside(inputs, tools, openController().signal);
}

/** What is done to the data: the same where no service has to be stopped for it. */
export function dataSteps(
  inputs: RunInputs,
  tools: Pick<PlanTools, 'emit' | 'opened' | 'systemd'>,
  kept: Kept = {},
): [keep: Step, restore: Step] {
  const { database } = inputs.target;
  const keep: Step = {
    name: 'keep',
    does: `keep what is there in ${database?.backups}`,
    isLook: true,
    apply: (signal) => keepPresent(inputs, tools, { kept, signal }),
  };
  const restore: Step = {
    name: 'restore',
    does: 'put the backup in its place',
    changesData: true,
    isLasting: true,
    apply: (signal) => putBackup(inputs, tools, { kept, signal }),
  };
  return [keep, restore];
}

async function putBackup(
  { target }: RunInputs,
  { opened, emit, systemd }: Pick<PlanTools, 'emit' | 'opened' | 'systemd'>,
  { kept, signal }: { kept: Kept; signal: AbortSignal },
): Promise<StepFacts> {
  if (!opened) throw new StepFailure('database', 'the backup is not open any more');
  const madeFor = await madeForMissing(systemd, target);
  const onNote = (message: string): void => emit({ type: 'note', message });
  const { setAside } = await opened.put({ signal, isSetAside: kept.isDamaged, madeFor, onNote });
  return { set_aside: setAside };
}

async function keepPresent(
  { app, target, run }: RunInputs,
  { emit }: Pick<PlanTools, 'emit'>,
  { kept, signal }: { kept: Kept; signal: AbortSignal },
): Promise<StepFacts> {
  const { database } = target;
  if (!database) throw new StepFailure('database', `${target.name} has no database`);
  const note = (message: string): void => emit({ type: 'note', message });
  if (database.path !== null && !(await isThere(database.path))) {
    return { file: null, problem: `${database.path} does not exist: there is nothing to keep` };
  }
  // What is there may be just what the query speaks against.
  const owner = { app, target: target.name, database: { ...database, verify: null } };
  if (await isThere(backupPath(owner, run))) return { file: backupPath(owner, run) };
  const { takeBackup } = await import('../database/backup.ts');
  const { databaseKinds } = await import('../database/kinds.ts');
  try {
    const { file, bytes } = await takeBackup({ ...owner, id: run, signal, onProgress: note });
    return { file, bytes };
  } catch (error) {
    if (signal.aborted || !databaseKinds[database.kind].isDamage(error)) throw error;
    kept.isDamaged = true;
    return { file: null, problem: `what is there could not be backed up: ${messageOf(error)}` };
  }
}
