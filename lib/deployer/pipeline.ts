import { ExitCode, messageOf } from '../base/errors.ts';
import { sleep } from '../base/wait.ts';
import { currentBuild } from '../builds/current.ts';
import type { CommandContext } from '../config/command-environment.ts';
import type { TargetConfig } from '../config/model.ts';
import { documentOf, type RunDocument } from '../run/document.ts';
import { type Failure, failureOf } from '../run/failure.ts';
import { nextRunId } from '../run/history.ts';
import { type HookAnswer, runHooks, textOf } from '../run/hooks.ts';
import type { StepRecord } from '../run/step.ts';
import { type Place, placeInputs } from './place.ts';
import { keepRecord } from './staged-record.ts';
import { type PushedCommit, type Source, workTree } from './source.ts';
import {
  buildOfSource,
  checkOutSource,
  knownOrigin,
  needsFetch,
  removeSource,
  stagesOfSource,
} from './source-stages.ts';

/** What the stages before the checks came to. */
export interface Staged {
  /** the run that they belong to; null: there were none */
  run: string | null;
  records: StepRecord[];
  /** the build that the hook `build` left; null: none is configured */
  built: string | null;
  failure: Failure | null;
  /** what the failure makes of the deploy */
  exitCode: number;
}

const stoppedTogetherMs = 1_000;

/** What the stages make a build of: a commit that they are given, or what they are to fetch by themselves. */
interface Making {
  source: Source | undefined;
  pushed: PushedCommit | undefined;
}

type StageName = 'fetch' | 'test' | 'build';
const order: readonly StageName[] = ['fetch', 'test', 'build'];

/**
 * The stages that a deploy goes through before it looks at builds: they make a new one, so a deploy of a named build has none.
 */
function stagesOf({ hooks }: TargetConfig, build: string | undefined): StageName[] {
  return build === undefined ? order.filter((name) => (hooks[name] ?? []).length > 0) : [];
}

/** The stages as a plan lists them. */
export function stagePlan(target: TargetConfig, build: string | undefined): { name: string; does: string }[] {
  return stagesOf(target, build).map((name) => ({
    name,
    does: (target.hooks[name] ?? []).map(({ run }) => textOf(run)).join('; '),
  }));
}

/**
 * Runs the hooks `fetch`, `test` and `build`, until one fails. Nothing in service has changed then.
 * @param guard has systemd keep the process: when it dies, its hook ends too
 * @throws the signal's reason when interrupted
 */
export async function runStages(
  place: Place,
  { build, source, pushed, guard }: { build?: string | undefined; guard: () => Promise<void> } & Partial<Making>,
): Promise<Staged> {
  const staged: Staged = { run: null, records: [], built: null, failure: null, exitCode: ExitCode.done };
  const names = source ? stagesOfSource(place.target) : stagesOf(place.target, build);
  if (names.length === 0) return staged;
  await guard();
  staged.run = await nextRunId(place.paths);
  place.emit({ type: 'run', run: staged.run });
  for (const name of names) {
    await runStage(name, place, { staged, source, pushed });
    if (staged.failure) return staged;
  }
  if (names.includes('fetch') && source) await leaveSource(place);
  return staged;
}

/** A checkout that stays, such as with files that a container left as root, is no failure of what was built in it. */
async function leaveSource(place: Place): Promise<void> {
  await removeSource(place).catch((error: unknown) => {
    if (place.signal.aborted) throw error;
    place.emit({ type: 'note', message: `the checkout of the commit stays: ${messageOf(error)}` });
  });
}

async function runStage(
  name: StageName,
  place: Place,
  { staged, ...making }: { staged: Staged } & Making,
): Promise<void> {
  const { emit, signal } = place;
  const began = performance.now();
  emit({ type: 'step', name, state: 'begun', durationMs: 0 });
  const finish = (status: 'done' | 'failed', message?: string): void => {
    const durationMs = performance.now() - began;
    staged.records.push({ name, status, duration_ms: Math.round(durationMs) });
    emit({ type: 'step', name, state: status, durationMs, ...(message === undefined ? {} : { message }) });
  };
  try {
    signal.throwIfAborted();
    await workOf(name, place, { staged, ...making });
    finish('done');
  } catch (error) {
    staged.failure = failureOf(name, error);
    finish('failed', staged.failure.message);
    // At a shutdown the hook and this process are stopped at once, and the hook may be the first to end.
    await sleep(stoppedTogetherMs, signal).catch(() => {});
    if (signal.aborted) throw signal.reason;
    staged.exitCode = name === 'build' ? ExitCode.noBuild : ExitCode.refused;
  }
}

async function workOf(
  name: StageName,
  place: Place,
  { staged, source, pushed }: { staged: Staged } & Making,
): Promise<void> {
  const work = (): Promise<HookAnswer> => runHooksOf(name, place, { run: staged.run, source, pushed });
  if (name === 'fetch' && source) await checkOutSource(place, source);
  if (name === 'build') staged.built = await buildOf(place, { work, source, pushed });
  else if (name !== 'fetch' || !source || needsFetch(place.target)) await work();
}

/** What takes archives in takes longer to load than all else: only who builds waits for it. */
async function buildOf(
  place: Place,
  { work, source, pushed }: { work: () => Promise<HookAnswer> } & Making,
): Promise<string> {
  if (source && (place.target.hooks.build ?? []).length === 0) return buildOfSource(place, source);
  const { buildLeftBy } = await import('./built.ts');
  return buildLeftBy(place, { work, origin: source ? knownOrigin(place.target, source) : pushed });
}

async function runHooksOf(
  name: StageName,
  place: Place,
  { run, source, pushed }: { run: string | null } & Making,
): Promise<HookAnswer> {
  const { config, target } = place;
  const current = await currentBuild(target.builds).catch(() => null);
  const context: CommandContext = {
    app: config.app,
    target,
    run,
    build: null,
    current,
    previous: current,
    revision: (source ?? pushed)?.revision ?? null,
    branch: (source ?? pushed)?.branch ?? null,
  };
  return runHooks({ name, context, dir: source ? workTree(place) : target.builds }, place);
}

/** The document of a deploy that a stage has ended. */
export async function refusedBy(
  { run, records, failure, exitCode }: Staged,
  place: Place,
  { startedAt, origin }: { startedAt: string; origin: PushedCommit | undefined },
): Promise<RunDocument> {
  const from = await currentBuild(place.target.builds).catch(() => null);
  const { revision = null, branch = null } = origin ?? {};
  const what = { run: run ?? '', kind: 'deploy' as const, ...placeInputs(place), revision, branch };
  const known = { invocationBefore: '', memoryBefore: null, startedAt, stages: records };
  const inputs = { ...what, from, to: '', back: null, ...known };
  const ending = { outcome: 'refused' as const, exit_code: exitCode, active: from, downtime_ms: 0, failure };
  return keepRecord(inputs, { ...documentOf(inputs, { ...ending, steps: [], checks: [] }), to: null }, place);
}
