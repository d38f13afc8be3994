import { CutoverError, ExitCode } from '../base/errors.ts';
import { currentBuild } from '../builds/current.ts';
import { listBuildIds } from '../builds/list.ts';
import { originOf } from '../builds/origin.ts';
import { type CheckAnswer, isSafe } from '../checks/check.ts';
import { deployHooks, requireHookUsers } from '../checks/hook-start.ts';
import { isNearlyFull } from '../checks/disk.ts';
import type { TargetConfig } from '../config/model.ts';
import { carryOut } from '../deploy/carry-out.ts';
import { pointWhereItServes } from '../deploy/left-over.ts';
import { aboutRunning, permissionName } from '../deploy/preflight.ts';
import { documentOf, type Ending, type RunDocument } from '../run/document.ts';
import { interruption } from '../run/engine.ts';
import { newestProven, nextRunId } from '../run/history.ts';
import type { RunInputs } from '../run/inputs.ts';
import { isRunning } from '../systemd/facts.ts';
import { whileHeld } from './held.ts';
import { refusedBy, runStages, type Staged } from './pipeline.ts';
import { type Place, placeInputs } from './place.ts';
import { askPreflight, readSituation, type Situation } from './situation.ts';
import { keepRecord } from './staged-record.ts';
import { shortName, type Source } from './source.ts';
import { isMadeFrom, knownOrigin } from './source-stages.ts';

export interface DeployOptions {
  /** `dist.X`, `X` or a path; none: the newest that is not quarantined */
  build?: string | undefined;
  /** a commit that is to become the build; no build is named then */
  source?: Source | undefined;
  isForced: boolean;
  isFixForward: boolean;
  /** 0: do not wait for another run */
  waitMs: number;
}

/** A failing answer to this alone means that there is no usable build (exit 2), not that the target is unfit. */
const candidateCheck = 'candidate';

/**
 * The safe deploy (S2): checks, the newest build, the steps of the strategy, and back again when one fails.
 * @throws `locked`, `usage` (force that is not allowed), `no_build`, `permission`, `disk`
 */
export async function deploy(place: Place, options: DeployOptions): Promise<RunDocument> {
  requireForceAllowed(place, options);
  await requireHookUsers(place.target, deployHooks);
  const { build, source } = options;
  const what = source ? `${source.branch} ${shortName(source.revision)}` : (build ?? 'the newest build');
  return whileHeld(place, { doing: `deploy of ${what}`, waitMs: options.waitMs }, async (_settled, guard) => {
    const startedAt = new Date().toISOString();
    await source?.verifyWanted(place.signal);
    await makeRoomWhereNeeded(place);
    const made = source ? await madeFrom(source, place) : build;
    const staged = await runStages(place, made === undefined ? { source, guard } : { build: made, guard });
    if (staged.failure) return refusedBy(staged, place, { startedAt, source });
    const situation = await readSituation(place, staged.built ?? made);
    const guarded = guard();
    const checks = await askPreflight(place, situation, { ...options, mayMend: true });
    const inputs = await inputsOf(place, { situation, startedAt, checks, staged, source });
    const ending = earlyEnding(place, { situation, checks }, options);
    place.emit({ type: 'checked', safe: isSafe(checks), forced: options.isForced });
    if (ending) return keepRecord(inputs, untouched(inputs, ending), place);
    await guarded;
    if (place.signal.aborted) throw interruption('a signal');
    await pointWhereItServes(place.target, { ...situation, back: inputs.back }, place.emit);
    return carryOut(inputs, checks, place);
  });
}

/** The build in service, where it was made from that very commit: a push that is told once more makes no other. */
async function madeFrom(source: Source, { target }: Place): Promise<string | undefined> {
  const current = await currentBuild(target.builds).catch(() => null);
  const origin = await originOf(target.builds, current);
  return current !== null && isMadeFrom(origin, source) ? current : undefined;
}

/** W3: a disk that is nearly as full as it may be has room made on it, rather than a deploy refused. */
async function makeRoomWhereNeeded(place: Place): Promise<void> {
  const { target, config } = place;
  const isFull = await isNearlyFull([target.builds, config.state], target.limits.diskUsed).catch(() => false);
  if (!isFull) return;
  const { makeRoom } = await import('./prune.ts');
  await makeRoom(place);
}

/** What is known before the first step. */
interface Known {
  situation: Situation;
  checks: CheckAnswer[];
  staged: Staged;
  source: Source | undefined;
  startedAt: string;
}

type EarlyEnding = Pick<Ending, 'outcome' | 'exit_code' | 'checks'>;

/** How the run ends where the checks speak against it, or the build serves already; null: the steps are next. */
function earlyEnding(
  place: Place,
  { situation, checks }: Pick<Known, 'situation' | 'checks'>,
  options: DeployOptions,
): EarlyEnding | null {
  const { isRefused, exitCode } = judge(checks, options);
  if (isRefused) return { outcome: 'refused', exit_code: exitCode, checks };
  const isSame = situation.current === (situation.candidate ?? '') && !options.isForced;
  if (isSame && isServing(place, situation, checks)) return { outcome: 'unchanged', exit_code: ExitCode.done, checks };
  return null;
}

/**
 * Whether the build is not only named by `current` but runs and is well. A link that was moved without a restart
 * leaves the old build serving; a service that is to be repaired does not serve at all.
 */
function isServing({ target }: Place, { facts, current, serving }: Situation, checks: CheckAnswer[]): boolean {
  return isRunning(facts) && !isUnwell(checks, target) && (serving === current || !target.health.identity);
}

/** S7: force is for staging; a target has to allow it. */
function requireForceAllowed({ target }: Place, { isForced }: DeployOptions): void {
  if (!isForced || target.allowForce) return;
  throw new CutoverError('usage', `--force is not allowed on ${target.name}`, {
    mend: `cutover check ${target.name}; where force is meant to be possible, set targets.${target.name}.allow_force = true`,
  });
}

function judge(checks: CheckAnswer[], { isForced }: DeployOptions): { isRefused: boolean; exitCode: number } {
  const failed = checks.filter(({ status }) => status === 'fail').map(({ name }) => name);
  if (failed.includes(permissionName)) return { isRefused: true, exitCode: ExitCode.permission };
  if (failed.includes(candidateCheck)) {
    return { isRefused: true, exitCode: failed.length === 1 || isForced ? ExitCode.noBuild : ExitCode.refused };
  }
  return { isRefused: failed.length > 0 && !isForced, exitCode: ExitCode.refused };
}

async function inputsOf(place: Place, { situation, checks, staged, source, startedAt }: Known): Promise<RunInputs> {
  const { target, paths } = place;
  const { facts, from, candidate } = situation;
  const back = isUnwell(checks, target) ? await lastProven(place, from) : from;
  const [run, origin] = await Promise.all([staged.run ?? nextRunId(paths), originOf(target.builds, candidate)]);
  // A hook may have made the build by itself, without a manifest.
  const known = source ? knownOrigin(target, source) : {};
  const [revision, branch] = [origin.revision ?? known.revision ?? null, origin.branch ?? known.branch ?? null];
  const what = { run, kind: 'deploy' as const, ...placeInputs(place), revision, branch };
  const before = { invocationBefore: facts.invocationId, memoryBefore: facts.memoryBytes };
  return { ...what, from, to: candidate ?? '', back, ...before, startedAt, stages: staged.records };
}

/** Whether the checks speak against the service that runs now; without an address to ask, health is not known. */
function isUnwell(checks: CheckAnswer[], { health }: TargetConfig): boolean {
  const isKnown = (name: string): boolean => name !== 'health' || health.urls.length > 0;
  return checks.some(({ name, status }) => aboutRunning.has(name) && status !== 'pass' && isKnown(name));
}

/** The newest proven build on the disk other than the one that is down; that one, when there is no other. */
async function lastProven({ target, paths }: Place, from: string | null): Promise<string | null> {
  const ids = new Set((await listBuildIds(target.builds)).filter((id) => id !== from));
  return (await newestProven(paths, (id) => ids.has(id))) ?? from;
}

function untouched(inputs: RunInputs, ending: EarlyEnding): RunDocument {
  return documentOf(inputs, { ...ending, active: inputs.from, downtime_ms: 0, steps: [], failure: null });
}
