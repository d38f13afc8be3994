import { isCutoverError } from '../../../base/errors.ts';
import type { Systemd } from '../../../systemd/systemd.ts';
import type { InitOptions } from '../../init.ts';
import { type FoundBuilds, findBuilds } from '../layout.ts';
import { lookAtUnit } from '../unit.ts';
import { defaultBuilds, requireSource } from './suited.ts';

/**
 * The builds directory that a unit is to have, where it has none yet: the one that was said, or one beside its directory.
 * @returns undefined: it has one
 * @throws `refused` where it cannot have one, `no_such_unit`, `unit_masked`
 */
export async function adoptedBuilds(
  unit: string,
  { builds, manager }: InitOptions,
  systemd: Systemd,
): Promise<FoundBuilds | undefined> {
  const seen = await lookAtUnit(systemd, unit, manager);
  try {
    await findBuilds(seen, { said: undefined, manager });
    return undefined;
  } catch (error) {
    if (!isCutoverError(error, 'refused')) throw error;
  }
  const source = await requireSource(seen, manager);
  return { builds: builds ?? defaultBuilds(source), from: null, isProvable: true, link: { state: 'missing' } };
}
