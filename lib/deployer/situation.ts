import { isCutoverError } from '../base/errors.ts';
import { currentBuild } from '../builds/current.ts';
import { originOf } from '../builds/origin.ts';
import type { Sharing } from '../builds/sharing.ts';
import type { CheckAnswer } from '../checks/check.ts';
import { type ConfiguredCheck, configuredChecks, isAnyConfigured } from '../checks/configured.ts';
import { servingBuild } from '../deploy/identity.ts';
import { preflight, type PreflightSubject } from '../deploy/preflight.ts';
import { type InFlight, readInFlight } from '../run/in-flight.ts';
import type { Refused } from '../run/quarantine.ts';
import type { UnitFacts } from '../systemd/facts.ts';
import { lingerNote } from '../systemd/lingering.ts';
import { type Candidate, chooseCandidate } from './candidate.ts';
import { type UnfinishedChange, unfinishedChange } from './init/cut-off.ts';
import { sharingOf } from './init/adopt/record.ts';
import type { Place } from './place.ts';

/** How things stand before a deploy. */
export interface Situation {
  facts: UnitFacts;
  /** all that systemd told of the unit */
  properties: ReadonlyMap<string, unknown>;
  /** what `current` names */
  current: string | null;
  /** what the unit's process really runs from */
  serving: string | null;
  /** the build before: what serves, and only without that what `current` names, since a link can be moved by anybody */
  from: string | null;
  candidate: string | null;
  /** a newer build that its gate refused, where nobody named the candidate */
  passedOver: Refused | null;
  /** the rollback that left the candidate, where nobody named it */
  leftBy: string | null;
  /** what all builds have links to; null: nothing */
  sharing: Sharing | null;
  inFlight: InFlight | null;
  /** a change of the unit itself that has not ended */
  unfinished: UnfinishedChange | null;
}

/**
 * Looks at unit, builds and state.
 * @param reading what `current` names, where that is being read already
 * @throws `no_build` when the named build is none, or there is no builds directory; `permission`
 */
export function readSituation(
  place: Place,
  build: string | undefined,
  reading: Promise<string | null> = currentBuild(place.target.builds),
): Promise<Situation> {
  return situationOf(place, reading, () => chooseCandidate(place, build, reading));
}

/** The same for who only asks: out of a builds directory that is out of reach there is no candidate, and the check `builds` says why. */
export function readWhatThereIs(place: Place): Promise<Situation> {
  const reading = unlessOutOfReach(currentBuild(place.target.builds), null);
  const none = { candidate: null, passedOver: null, leftBy: null };
  return situationOf(place, reading, () => unlessOutOfReach(chooseCandidate(place, undefined, reading), none));
}

function unlessOutOfReach<T>(asked: Promise<T>, instead: T): Promise<T> {
  return asked.catch((error: unknown) => {
    if (isCutoverError(error, 'no_build', 'permission')) return instead;
    throw error;
  });
}

async function situationOf(
  place: Place,
  reading: Promise<string | null>,
  choose: () => Promise<Candidate>,
): Promise<Situation> {
  const { target, paths, systemd } = place;
  const [{ facts, properties }, current, chosen, inFlight, sharing, unfinished] = await Promise.all([
    systemd.known(target.unit),
    reading,
    choose(),
    readInFlight(paths),
    sharingOf(paths, target),
    unfinishedChange(paths),
  ]);
  const serving = await servingBuild(target.builds, facts, current);
  const unit = { facts, properties, current, serving, from: serving ?? current };
  return { ...unit, ...chosen, sharing, inFlight, unfinished };
}

/** How the checks are asked. */
interface Asked {
  isFixForward: boolean;
  isThorough?: boolean;
  /** whether a check may put right what it is configured to; who only looks changes nothing */
  mayMend: boolean;
  /** what was found out before, or begun to be */
  known?: Pick<PreflightSubject, 'health' | 'portsMaxAgeMs'>;
}

/**
 * Asks the checks about a situation, and tells each answer as it comes.
 * @throws the signal's reason
 */
export async function askPreflight(
  place: Place,
  situation: Situation,
  { isFixForward, isThorough = false, mayMend, known = {} }: Asked,
): Promise<CheckAnswer[]> {
  const { target, config, systemd, paths, emit, signal } = place;
  const note = lingerNote(config.manager);
  if (note !== null) emit({ type: 'note', message: note });
  if (situation.leftBy !== null) {
    const message = `${situation.candidate} is the newest build, and was left by rollback ${situation.leftBy}`;
    emit({ type: 'note', message });
  }
  const configured = await configuredBefore(place, situation, mayMend);
  const about = { ...situation, target, systemd, paths, state: config.state, configured };
  const subject = { ...about, isFirst: situation.from === null, isFixForward, isThorough, ...known, signal };
  const answers = await preflight(subject, (answer) => {
    // What was cut short says nothing of the service.
    if (!signal.aborted) emit({ type: 'check', answer });
  });
  signal.throwIfAborted();
  return answers;
}

/** The questions of the configuration, about the candidate. */
async function configuredBefore(place: Place, situation: Situation, mayMend: boolean): Promise<ConfiguredCheck[]> {
  const { target, config, systemd, redact, signal } = place;
  const { candidate: build, current, from: previous } = situation;
  if (!isAnyConfigured(target, 'before')) return [];
  const { revision, branch } = await originOf(target.builds, build);
  const context = { app: config.app, target, run: null, build, current, previous, revision, branch };
  return configuredChecks('before', { context, manager: config.manager, systemd, redact, signal, mayMend });
}
