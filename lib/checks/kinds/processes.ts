import type { ProcessesOptions } from '../../config/check-options.ts';
import { systemctl } from '../../systemd/typed.ts';
import { fail, pass } from '../check.ts';
import type { Kind } from './kind.ts';

/** B4: the unit has as many processes as it should, as 4 for a gunicorn with 3 workers. */
export const processesKind: Kind<ProcessesOptions> = {
  async ask(options, { context: { target }, manager, systemd }) {
    const { length } = await systemd.processes(target.unit);
    const expected = describe(options);
    const observed = `${length} process${length === 1 ? '' : 'es'}`;
    if (isEnough(length, options)) return pass(observed, expected);
    return fail(observed, expected, systemctl(manager, `status ${target.unit}`));
  },
  isAboutService: () => true,
  mayComeUp: true,
};

function isEnough(found: number, { count, min, max }: ProcessesOptions): boolean {
  return (count === null || found === count) && found >= (min ?? 0) && found <= (max ?? Number.POSITIVE_INFINITY);
}

function describe({ count, min, max }: ProcessesOptions): string {
  if (count !== null) return `${count} processes`;
  if (min !== null && max !== null) return `${min} to ${max} processes`;
  return min !== null ? `${min} processes or more` : `${max} processes or fewer`;
}
