import { isCutoverError, messageOf } from '../base/errors.ts';
import { isThere } from '../base/files.ts';
import { openController } from '../base/wait.ts';
import type { DatabaseConfig, TargetConfig } from '../config/model.ts';
import { type BackupOwner, backupPath } from '../database/names.ts';
import { NotRestored, reasonOf, StepFailure } from '../run/failure.ts';
import type { RunInputs } from '../run/inputs.ts';
import { unrestoredRuns } from '../run/unrestored.ts';
import type { Step, StepFacts } from '../run/step.ts';
import { madeForMissing } from './made-for.ts';
import type { PlanTools } from './strategy.ts';
import { whileStopped } from './while-stopped.ts';

/**
 * The plan with what a configured database adds to it: a backup before everything else, and the way back of the step
 * that migrates. A rollback does neither.
 */
export function withDatabase(inputs: RunInputs, tools: PlanTools, plan: Step[]): Step[] {
  const { database } = inputs.target;
  if (inputs.kind !== 'deploy' || !database) return plan;
  const steps = [backupStep(inputs, tools, database), ...plan];
  if (!database.restoreOnRollback) return steps;
  const revert = (): Promise<void> => restoreBack(inputs, tools, database);
  return steps.map((step) => (step.name === 'migrate' ? { ...step, revert, isRevertedOnce: true } : step));
}

function ownerOf({ app, target }: RunInputs, database: DatabaseConfig): BackupOwner {
  return { app, target: target.name, database };
}

function backupStep(inputs: RunInputs, tools: PlanTools, database: DatabaseConfig): Step {
  const file = backupPath(ownerOf(inputs, database), inputs.run);
  return {
    name: 'backup',
    does: `back up the ${database.kind === 'sqlite' ? database.path : 'PostgreSQL'} database to ${database.backups}`,
    isLook: true,
    apply: async (signal) => {
      // A step may be applied again; a backup has its name only when it is whole.
      if (await isThere(file)) return { file };
      return backUp(inputs, tools, { database, signal });
    },
  };
}

async function backUp(
  inputs: RunInputs,
  { emit, paths }: Pick<PlanTools, 'emit' | 'paths'>,
  { database, signal }: { database: DatabaseConfig; signal: AbortSignal },
): Promise<StepFacts> {
  const note = (message: string): void => emit({ type: 'note', message });
  if (inputs.from === null && database.path !== null && !(await isThere(database.path))) {
    note(`${database.path} does not exist yet: there is nothing to back up`);
    return { file: null };
  }
  try {
    const { removeOldBackups, takeBackup } = await import('../database/backup.ts');
    const owner = ownerOf(inputs, database);
    const { file, bytes } = await takeBackup({ ...owner, id: inputs.run, signal, onProgress: note });
    const needed = async (): Promise<Set<string>> => (paths ? unrestoredRuns(paths) : new Set());
    const { problem } = await removeOldBackups(owner, { made: file, needed, signal });
    if (problem !== null) note(`old backups were not removed: ${problem}`);
    return { file, bytes };
  } catch (error) {
    if (signal.aborted || isCutoverError(error, 'interrupted')) throw error;
    return goOnWithout(inputs.target, error);
  }
}

/** @throws `StepFailure` where no deploy is to go on without a backup */
function goOnWithout(target: RunInputs['target'], error: unknown): StepFacts {
  const why = whyNeeded(target);
  if (why !== null) throw requiredFailure(error, why);
  const problem = `the backup failed, and the deploy goes on (database.required = false): ${messageOf(error)}`;
  return { file: null, problem };
}

/** Why no deploy is to go on without a backup: that is asked for, or it is the way back from a migration. Null: it may. */
export function whyNeeded({ database, hooks }: Pick<TargetConfig, 'database' | 'hooks'>): string | null {
  if (database?.required) return 'database.required = true';
  const isWayBack = database?.restoreOnRollback && (hooks.migrate ?? []).length > 0;
  return isWayBack ? 'it is the way back from hooks.migrate (database.restore_on_rollback = true)' : null;
}

function requiredFailure(error: unknown, why: string): StepFailure {
  const message = `the backup failed, and ${why}: ${messageOf(error)}`;
  return new StepFailure(reasonOf(error, 'backup'), message, { cause: error });
}

/**
 * Puts the database back as it was before this run, while nothing runs that could write. What was written since is lost:
 * that is what restore_on_rollback asks for.
 * @throws `NotRestored` when there is no backup, or it cannot be restored; what a start throws when that is all that failed
 */
async function restoreBack(inputs: RunInputs, tools: PlanTools, database: DatabaseConfig): Promise<void> {
  const { target, run, back } = inputs;
  const file = backupPath(ownerOf(inputs, database), run);
  // A first deploy that made the database has nothing to go back to either.
  if (back === null) return;
  if (!(await isThere(file))) throw new NotRestored(null, `there is no backup of run ${run}`);
  // With "restart" it is the revert of `stop` that starts the service.
  const isStarted = target.strategy !== 'restart';
  const onNote = (message: string): void => tools.emit({ type: 'note', message });
  let isPut = false;
  try {
    await whileStopped(target, { systemd: tools.systemd, isStarted }, async () => {
      const { restoreBackup } = await import('../database/restore.ts');
      const madeFor = await madeForMissing(tools.systemd, target);
      await restoreBackup({ ...ownerOf(inputs, database), file, signal: openController().signal, madeFor, onNote });
      isPut = true;
    });
  } catch (error) {
    if (isPut || isCutoverError(error, 'bus_lost', 'systemd_unavailable')) throw error;
    throw new NotRestored(file, messageOf(error), { cause: error });
  }
  onNote(`the database is as it was before the deploy: ${file}`);
}
