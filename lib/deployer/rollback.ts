import { CutoverError } from '../base/errors.ts';
import { currentBuild } from '../builds/current.ts';
import { inspectBuild } from '../builds/inspect.ts';
import { resolveBuild } from '../builds/list.ts';
import { originOf } from '../builds/origin.ts';
import { requireHookUsers } from '../checks/hook-start.ts';
import { probe } from '../checks/probe.ts';
import { carryOut } from '../deploy/carry-out.ts';
import { servingBuild } from '../deploy/identity.ts';
import type { RunDocument } from '../run/document.ts';
import { nextRunId, readRun } from '../run/history.ts';
import type { RunInputs } from '../run/inputs.ts';
import { isRunning, type UnitFacts } from '../systemd/facts.ts';
import { whileHeld } from './held.ts';
import { type Place, placeInputs } from './place.ts';
import { previousBuild } from './previous.ts';
import { shareDataAnyhow } from './share-data.ts';

/**
 * The emergency rollback (S8): to the previous proven build or to a named one, whatever state the unit is in.
 * A deploy that was cut off is ended first; when that brought the build before back, the rollback is done.
 * @param recovery the recovery that goes back by it
 * @throws `no_build`, `locked`, `permission`, `disk`
 */
export async function rollback(
  place: Place,
  { build, waitMs, recovery }: { build?: string | undefined; waitMs: number; recovery?: RunInputs['recovery'] },
): Promise<RunDocument> {
  await requireHookUsers(place.target, ['smoke']);
  return whileHeld(place, { doing: `rollback to ${build ?? 'the previous build'}`, waitMs }, async (settled, guard) => {
    if (settled?.outcome === 'rolled_back' && build === undefined && (await wasDeploy(place, settled.run))) {
      return { ...settled, kind: 'rollback', to: settled.active, outcome: 'deployed', failure: null };
    }
    const { target, systemd } = place;
    const startedAt = new Date().toISOString();
    const [facts, from] = await Promise.all([systemd.facts(target.unit), currentBuild(target.builds)]);
    const guarded = guard();
    const to = build === undefined ? await previousBuild(place) : await resolveBuild(target.builds, build);
    if (to === null) throw noPrevious(target.name, from);
    await requireWhole(target.builds, to);
    await shareDataAnyhow(place, to);
    // Only what is healthy now is worth going back to.
    const back = from !== null && (await isHealthyNow(place, facts, from)) ? from : null;
    const [run, origin] = await Promise.all([nextRunId(place.paths), originOf(target.builds, to)]);
    const what = { run, kind: 'rollback' as const, ...placeInputs(place), recovery, ...origin };
    const known = { invocationBefore: facts.invocationId, memoryBefore: null, startedAt };
    await guarded;
    return carryOut({ ...what, from, to, back, ...known }, [], place);
  });
}

/** A rollback that was taken back led to the very build that somebody wanted to leave. */
async function wasDeploy({ paths }: Place, run: string | null): Promise<boolean> {
  const ended = run === null ? null : await readRun(paths, run);
  return ended?.inputs.kind === 'deploy';
}

async function requireWhole(builds: string, id: string): Promise<void> {
  const { broken } = await inspectBuild(builds, id);
  if (broken)
    throw new CutoverError('no_build', `${id} ${broken}`, {
      mend: 'cutover builds, then cutover rollback with another one',
    });
}

function noPrevious(target: string, current: string | null): CutoverError {
  const fact = current
    ? `there is no build to go back to: ${current} is the only good one`
    : 'nothing was ever deployed here';
  return new CutoverError('no_build', fact, { mend: `cutover builds ${target}` });
}

async function isHealthyNow({ target, signal }: Place, facts: UnitFacts, from: string): Promise<boolean> {
  if (!isRunning(facts)) return false;
  const { builds, health } = target;
  const answers = await Promise.all(health.urls.map((url) => probe(url, health, signal)));
  if (answers.some(({ problem }) => problem !== null)) return false;
  return !health.identity || (await servingBuild(builds, { mainPid: facts.mainPid, current: from })) === from;
}
