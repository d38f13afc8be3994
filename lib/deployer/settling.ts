import { isDeepStrictEqual } from 'node:util';
import { isBuildId } from '../builds/layout.ts';
import type { Settling } from '../deploy/settle.ts';
import type { RunInputs } from '../run/inputs.ts';
import { withoutSecrets } from '../run/kept-inputs.ts';
import { type Place, placeInputs } from './place.ts';

/**
 * What ends a run that was cut off at a place. Whoever owns the state can write the ledger that it is ended by: the rights of
 * the configuration are lent to it only where it says of the target what the configuration says.
 */
export function settlingIn(place: Place): Settling {
  const { systemd, ownersSystemd } = place;
  return { ...place, systemdFor: (inputs) => (isOfPlace(inputs, place) ? systemd : ownersSystemd) };
}

/** The whole target is compared, as a ledger keeps it: every unit that a run touches follows from that and the builds' names. */
function isOfPlace(inputs: RunInputs, place: Place): boolean {
  const { app, manager, target } = JSON.parse(JSON.stringify(withoutSecrets({ ...inputs, ...placeInputs(place) })));
  const builds = [inputs.from, inputs.to, inputs.back].filter((build) => build !== null);
  const isSame = isDeepStrictEqual({ app, manager, target }, partsOf(inputs));
  return isSame && builds.every((build) => build === '' || isBuildId(build));
}

function partsOf({ app, manager, target }: RunInputs): Pick<RunInputs, 'app' | 'manager' | 'target'> {
  return { app, manager, target };
}
