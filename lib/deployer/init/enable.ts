import { CutoverError, isCutoverError } from '../../base/errors.ts';
import type { ManagerKind } from '../../config/model.ts';
import type { Systemd } from '../../systemd/systemd.ts';

/** What became of a unit that is to be started at boot, as `--json` prints it. */
export interface UnitResult {
  unit: string;
  status: 'enabled' | 'unchanged' | 'would enable';
}

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

/** What `enableUnits` would do. */
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
