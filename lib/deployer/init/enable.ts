import { CutoverError, isCutoverError } from '../../base/errors.ts';
import type { ManagerKind } from '../../config/model.ts';
import { textOf } from '../../systemd/facts.ts';
import type { Systemd } from '../../systemd/systemd.ts';
import { systemctl } from '../../systemd/typed.ts';

/** What became of a unit that is to be started at boot, as `--json` prints it. */
export interface UnitResult {
  unit: string;
  status: 'enabled' | 'disabled' | 'unchanged' | 'would enable' | 'would disable';
}

/** A unit that is to be enabled. */
export interface PlannedUnit {
  unit: string;
  /** from now on, and not only at the next boot: a timer, a socket */
  isStarted: boolean;
}

const startMs = 30_000;

/**
 * Has systemd start units at boot, and read what is on the disk (`EnableUnitFiles`, `Reload`, org.freedesktop.systemd1(5)).
 * @param isChanged a unit file was written since systemd read them
 * @throws `permission`, `unit_masked`, `refused` when systemd does not accept a unit
 */
export async function enableUnits(
  systemd: Systemd,
  units: readonly string[],
  { isChanged, manager }: { isChanged: boolean; manager: ManagerKind },
): Promise<UnitResult[]> {
  const results: UnitResult[] = [];
  for (const unit of units) {
    const [, changes] = await systemd.call('EnableUnitFiles', 'asbb', [[unit], false, false], unit);
    results.push({ unit, status: (changes as unknown[]).length > 0 ? 'enabled' : 'unchanged' });
  }
  // A run that was cut off may have written the files and not got here.
  const stale = await Promise.all(units.map((unit) => systemd.property(unit, 'Unit', 'NeedDaemonReload')));
  const isNew = results.some(({ status }) => status === 'enabled');
  if (isChanged || isNew || stale.includes(true)) await systemd.reload();
  for (const unit of units) await requireLoaded(systemd, unit, manager);
  return results;
}

/**
 * Starts those that are to run from now on and do not.
 * @returns the results with what was started as `enabled`
 * @throws `refused` when one does not start
 */
export async function startUnits(
  systemd: Systemd,
  planned: readonly PlannedUnit[],
  { results, manager }: { results: readonly UnitResult[]; manager: ManagerKind },
): Promise<UnitResult[]> {
  const started: string[] = [];
  for (const { unit } of planned.filter(({ isStarted }) => isStarted)) {
    if ((await stateOf(systemd, unit)) === 'active') continue;
    await systemd.resetFailed(unit);
    const result = await systemd.start(unit, { timeoutMs: startMs });
    const state = await stateOf(systemd, unit);
    if (state !== 'active') {
      const what = `${unit} is enabled, but does not start (${result}, ${state})`;
      throw new CutoverError('refused', what, { mend: systemctl(manager, `status ${unit}`) });
    }
    started.push(unit);
  }
  return results.map((result) => (started.includes(result.unit) ? { ...result, status: 'enabled' } : result));
}

/** Stops units and has systemd start them no more; one that has no file any more is fine. @throws `permission` */
export async function disableUnits(systemd: Systemd, units: readonly string[]): Promise<UnitResult[]> {
  const results: UnitResult[] = [];
  for (const unit of units) {
    const changes = await quietly(systemd.call('DisableUnitFiles', 'asb', [[unit], false], unit));
    const isUp = !['inactive', 'failed'].includes(await stateOf(systemd, unit));
    // What ends an interrupted run is left to end it.
    if (isUp && !unit.startsWith('cutover-settle@')) await systemd.stop(unit, { timeoutMs: startMs });
    const isChanged = isUp || (changes[0] as unknown[] | undefined)?.length !== 0;
    results.push({ unit, status: isChanged ? 'disabled' : 'unchanged' });
  }
  return results;
}

async function stateOf(systemd: Systemd, unit: string): Promise<string> {
  return textOf(await systemd.property(unit, 'Unit', 'ActiveState'));
}

async function quietly(call: Promise<unknown[]>): Promise<unknown[]> {
  return call.catch((error: unknown) => {
    if (isCutoverError(error, 'no_such_unit', 'failed')) return [[]];
    throw error;
  });
}

/** What `enableUnits` would do, and `startUnits` where it is to run at once. */
export async function unitsToEnable(systemd: Systemd, units: readonly string[]): Promise<UnitResult[]> {
  return Promise.all(
    units.map(async (unit): Promise<UnitResult> => {
      const state = await systemd.call('GetUnitFileState', 's', [unit], unit).catch((error: unknown) => {
        // Without a file there is no state.
        if (isCutoverError(error, 'failed', 'no_such_unit')) return [];
        throw error;
      });
      return { unit, status: state[0] === 'enabled' ? 'unchanged' : 'would enable' };
    }),
  );
}

async function requireLoaded(systemd: Systemd, unit: string, manager: ManagerKind): Promise<void> {
  const { loadState, loadError } = await systemd.facts(unit);
  if (loadState === 'loaded') return;
  throw new CutoverError(
    'refused',
    `systemd does not accept ${unit} (${loadState})${loadError ? `: ${loadError}` : ''}`,
    {
      mend: `systemd-analyze ${manager === 'user' ? '--user ' : ''}verify '${unit}'`,
    },
  );
}
