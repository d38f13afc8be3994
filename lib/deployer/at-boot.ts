import type { RunDocument } from '../run/document.ts';
import type { Systemd } from '../systemd/systemd.ts';
import { systemctl } from '../systemd/typed.ts';
import type { Place } from './place.ts';

/** Says after a first deploy that nothing would start the unit after a reboot: until then nobody could have noticed. */
export async function tellUnlessStartedAtBoot(
  { systemd, config: { manager }, target: { unit }, emit }: Pick<Place, 'systemd' | 'config' | 'target' | 'emit'>,
  { outcome, from }: RunDocument,
): Promise<void> {
  if (outcome !== 'deployed' || from !== null) return;
  try {
    const { triggeredBy } = await systemd.facts(unit);
    const isPulled = await Promise.all([unit, ...triggeredBy].map((name) => isPulledIn(systemd, name)));
    if (isPulled.includes(true)) return;
    const first = triggeredBy.find((name) => name.endsWith('.socket')) ?? unit;
    const enable = systemctl(manager, `enable ${first}`);
    emit({ type: 'note', message: `nothing starts ${unit} at boot -> ${enable}` });
  } catch {
    // The deploy is done, and this no part of it.
  }
}

/** Whether something that comes up with the machine may have a unit with it. */
async function isPulledIn(systemd: Pick<Systemd, 'property'>, unit: string): Promise<boolean> {
  if ((await systemd.property(unit, 'Unit', 'UnitFileState')) === 'enabled') return true;
  const names = ['WantedBy', 'RequiredBy', 'UpheldBy'];
  const pulling = await Promise.all(names.map((name) => systemd.property(unit, 'Unit', name).catch(() => [])));
  return pulling.some((units) => Array.isArray(units) && units.length > 0);
}
