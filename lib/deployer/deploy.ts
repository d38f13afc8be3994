import { currentBuild } from '../builds/current.ts';
import { listBuildIds, resolveBuild } from '../builds/list.ts';
import { originOf } from '../builds/origin.ts';
import { type Answer, type CheckAnswer, isSafe } from '../checks/check.ts';
import { deployHooks, requireHookUsers } from '../checks/hook-start.ts';
import { isNearlyFull } from '../checks/disk.ts';
import { carryOut } from '../deploy/carry-out.ts';
import { pointWhereItServes } from '../deploy/left-over.ts';
import { askHealth } from '../deploy/preflight.ts';
import { documentOf, type RunDocument } from '../run/document.ts';
import { nextRunId } from '../run/history.ts';
import type { RunInputs } from '../run/inputs.ts';
import { provenBeside } from '../run/proven.ts';
import { activeAlongside } from '../systemd/alongside.ts';
import { memoryInUse } from '../systemd/file-cache.ts';
import { readListenersAhead } from '../systemd/sockets.ts';
import { whileHeld } from './held.ts';
import { tellUnlessStartedAtBoot } from './at-boot.ts';
import { refusedBy, runStages, type Staged } from './pipeline.ts';
import { afterChange } from './init/ended-change.ts';
import { type Place, placeInputs } from './place.ts';
import { askPreflight, readSituation, type Situation } from './situation.ts';
import { keepRecord } from './staged-record.ts';
import { shareData } from './share-data.ts';
import { type PushedCommit, shortName, type Source } from './source.ts';
import { isMadeFrom, knownOrigin } from './source-stages.ts';
import { type EarlyEnding, earlyEnding, isUnwell, requireForceAllowed } from './verdict.ts';

export interface DeployOptions {
  /** `dist.X`, `X` or a path; none: the newest that is not quarantined */
  build?: string | undefined;
  /** a commit that is to become the build; no build is named then */
  source?: Source | undefined;
  /** what the hooks are to make a build of, where they were not given the commit itself */
  pushed?: PushedCommit | undefined;
  isForced: boolean;
  isFixForward: boolean;
  /** 0: do not wait for another run */
  waitMs: number;
}

/** What was read ahead this long ago will do for the check: a port is looked at once more when its unit has stopped. */
const aheadMs = 100;

/**
 * The safe deploy (S2): checks, the newest build, the steps of the strategy, and back again when one fails.
 * @throws `locked`, `usage` (force that is not allowed), `no_build`, `permission`, `disk`
 */
export async function deploy(configured: Place, options: DeployOptions): Promise<RunDocument> {
  const { target } = configured;
  requireForceAllowed(configured, options);
  await requireHookUsers(target, deployHooks);
  const { build, source, waitMs } = options;
  const what = source ? `${source.branch} ${shortName(source.revision)}` : (build ?? 'the newest build');
  // While this process connects to the bus the other processors have nothing to do.
  void readListenersAhead(target.ports);
  return whileHeld(configured, { doing: `deploy of ${what}`, waitMs }, ({ place, ended, guard }) =>
    afterChange(ended, 'nothing was deployed', () => deployHeld(place, options, guard)),
  );
}

async function deployHeld(place: Place, options: DeployOptions, guard: () => Promise<void>): Promise<RunDocument> {
  const { build, source, pushed } = options;
  const startedAt = new Date().toISOString();
  await source?.verifyWanted(place.signal);
  // Without a file nobody said how many builds are kept, and none is removed for want of room.
  if (place.config.file !== null) await makeRoomWhereNeeded(place, build);
  const made = source ? await madeFrom(source, place) : build;
  const staged = await runStages(place, made === undefined ? { source, pushed, guard } : { build: made, guard });
  if (staged.failure) return refusedBy(staged, place, { startedAt, origin: source ?? pushed });
  const { situation, guarded, health } = await lookGuarded(place, staged.built ?? made, guard);
  const known = { health, portsMaxAgeMs: aheadMs };
  const checks = await askPreflight(place, situation, { isFixForward: options.isFixForward, known, mayMend: true });
  const inputs = await inputsOf(place, { situation, startedAt, checks, staged, source, pushed });
  const ending = earlyEnding(place, { situation, checks }, options);
  place.emit({ type: 'checked', safe: isSafe(checks), forced: options.isForced });
  if (ending) return keepRecord(inputs, untouched(inputs, ending), place);
  await guarded;
  place.signal.throwIfAborted();
  await pointWhereItServes(place.target, { ...situation, back: inputs.back }, place.emit);
  const document = await carryOut(inputs, checks, { ...place, properties: situation.properties });
  await tellUnlessStartedAtBoot(place, document);
  return document;
}

/**
 * Looks at unit and builds while systemd puts this process under guard. The manager answers nobody while the kernel makes the scope,
 * which takes longest of all: what it is asked goes before, and what takes this process' own time comes behind.
 * @returns `guarded`: to be awaited before the first change; `health`: what the running service answers
 */
async function lookGuarded(
  place: Place,
  build: string | undefined,
  guard: () => Promise<void>,
): Promise<{ situation: Situation; guarded: Promise<void>; health: Promise<Answer | null> }> {
  const reading = currentBuild(place.target.builds);
  const looking = makeReady(place, build, reading);
  looking.catch(() => {});
  await written();
  const guarded = guard();
  await written();
  const health = askWhatRuns(place, reading);
  health.catch(() => {});
  return { situation: await looking, guarded, health };
}

/** Null where nothing was deployed yet, as far as that is known by now. */
async function askWhatRuns({ target, config, signal }: Place, reading: Promise<string | null>): Promise<Answer | null> {
  const current = await reading.catch(() => null);
  return current === null ? null : askHealth({ target, signal }, config.manager);
}

/** What was asked for is on its way a turn later. */
const written = (): Promise<void> => new Promise(setImmediate);

/** How things stand, once the build that is to be deployed has the links that it lacks: hooks and checks may look for what is shared. */
async function makeReady(place: Place, build: string | undefined, reading: Promise<string | null>): Promise<Situation> {
  const situation = await readSituation(place, build, reading);
  await shareData(place, { build: situation.candidate, sharing: situation.sharing });
  return situation;
}

/** The build in service, where it was made from that very commit: a push that is told once more makes no other. */
async function madeFrom(source: Source, { target }: Place): Promise<string | undefined> {
  const current = await currentBuild(target.builds).catch(() => null);
  const origin = await originOf(target.builds, current);
  return current !== null && isMadeFrom(origin, source) ? current : undefined;
}

/** W3: a disk that is nearly as full as it may be has room made on it, rather than a deploy refused. */
async function makeRoomWhereNeeded(place: Place, build: string | undefined): Promise<void> {
  const { target, config } = place;
  const isFull = await isNearlyFull([target.builds, config.state], target.limits.diskUsed).catch(() => false);
  if (!isFull) return;
  const { makeRoom } = await import('./prune.ts');
  // That there is no such build is told by what looks at it.
  const wanted = build === undefined ? null : await resolveBuild(target.builds, build).catch(() => null);
  await makeRoom(place, wanted);
}

/** What is known before the first step. */
interface Known {
  situation: Situation;
  checks: CheckAnswer[];
  staged: Staged;
  source: Source | undefined;
  pushed: PushedCommit | undefined;
  startedAt: string;
}

async function inputsOf(
  place: Place,
  { situation, checks, staged, source, pushed, startedAt }: Known,
): Promise<RunInputs> {
  const { target, paths, systemd } = place;
  const { facts, from, candidate } = situation;
  const isGood = from !== null && !isUnwell(checks, target);
  const [back, run, origin, memoryBefore, alongside] = await Promise.all([
    isGood ? from : lastProven(place, situation),
    staged.run ?? nextRunId(paths),
    originOf(target.builds, candidate),
    memoryInUse(facts),
    activeAlongside(systemd, facts),
  ]);
  // A hook may have made the build by itself, without a manifest.
  const known = source ? knownOrigin(target, source) : staged.built === null ? {} : (pushed ?? {});
  const [revision, branch] = [origin.revision ?? known.revision ?? null, origin.branch ?? known.branch ?? null];
  const what = { run, kind: 'deploy' as const, ...placeInputs(place), revision, branch };
  const before = { invocationBefore: facts.invocationId, memoryBefore, alongside };
  return { ...what, from, to: candidate ?? '', back, ...before, startedAt, stages: staged.records };
}

/**
 * The newest proven build on the disk other than the one that is down and the one that is tried; the one that is down, when
 * there is no other. Where no build serves, `current` may have been lost: only without such a build it is a first deploy.
 */
async function lastProven({ target, paths }: Place, { from, candidate }: Situation): Promise<string | null> {
  return (await provenBeside(paths, await listBuildIds(target.builds), [from, candidate])) ?? from;
}

function untouched(inputs: RunInputs, ending: EarlyEnding): RunDocument {
  return documentOf(inputs, { ...ending, active: inputs.from, downtime_ms: 0, steps: [], failure: null });
}
