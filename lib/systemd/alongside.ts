import { boundNames, isDown } from './facts.ts';
import type { Systemd } from './systemd.ts';

/**
 * The units that systemd stops with a unit, and does not start again with it: those that are active now, and what is bound to them.
 * @param bound what is bound to the unit itself (`UnitFacts`)
 */
export async function activeAlongside(
  systemd: Pick<Systemd, 'property'>,
  { id, bound }: { id: string; bound: readonly string[] },
): Promise<string[]> {
  const [seen, active] = [new Set([id]), new Set<string>()];
  const ask = async (unit: string): Promise<string[]> => {
    const state = await systemd.property(unit, 'Unit', 'ActiveState').catch(() => 'inactive');
    if (isDown(state)) return [];
    active.add(unit);
    const asked = boundNames.map((name) => systemd.property(unit, 'Unit', name).catch(() => []));
    return (await Promise.all(asked)).flatMap((names) => (Array.isArray(names) ? names.map(String) : []));
  };
  for (let wave = [...bound]; wave.length > 0; ) {
    const fresh = [...new Set(wave)].filter((unit) => !seen.has(unit));
    for (const unit of fresh) seen.add(unit);
    wave = (await Promise.all(fresh.map(ask))).flat();
  }
  return [...active].toSorted();
}
