import { withDeadline } from '../../base/wait.ts';
import type { Systemd } from '../../systemd/systemd.ts';

/** Bytes; null: there is no limit, or systemd has not said yet which. */
export type MemoryLimit = () => number | null;

const bounds = { what: 'systemd did not answer', timeoutMs: 3_000 };

/**
 * `MemoryMax=` of the unit that the receiver is in. systemd, which may have much to do when the receiver starts, is asked with
 * the first call, and with each later one as long as it has not answered.
 * @param unit null: the receiver is in none
 */
export function memoryLimitOf(unit: string | null, systemd: Pick<Systemd, 'property'>): MemoryLimit {
  if (unit === null || !unit.endsWith('.service')) return () => null;
  let bytes: number | null = null;
  let asked: Promise<void> | null = null;
  const ask = async (): Promise<void> => {
    const limit = await withDeadline(bounds, () => systemd.property(unit, 'Service', 'MemoryMax'));
    const given = Number(limit ?? Number.POSITIVE_INFINITY);
    bytes = given < Number.MAX_SAFE_INTEGER ? given : null;
  };
  return () => {
    asked ??= ask().catch(() => {
      asked = null;
    });
    return bytes;
  };
}
