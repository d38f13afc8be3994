import { CutoverError, ExitCode } from '../base/errors.ts';
import { currentBuild } from '../builds/current.ts';
import { inspectBuild } from '../builds/inspect.ts';
import { resolveBuild } from '../builds/list.ts';
import { originOf } from '../builds/origin.ts';
import { requireHookUsers } from '../checks/hook-start.ts';
import { probe } from '../checks/probe.ts';
import { carryOut } from '../deploy/carry-out.ts';
import { keepCause } from '../deploy/evidence.ts';
import { servingBuild } from '../deploy/identity.ts';
import { pointWhereItServes } from '../deploy/left-over.ts';
import { readAgain } from '../deploy/ready-start.ts';
import { documentOf, type RunDocument } from '../run/document.ts';
import { nextRunId, readRun } from '../run/history.ts';
import type { Hold } from '../run/hold.ts';
import type { RunInputs } from '../run/inputs.ts';
import { activeAlongside } from '../systemd/alongside.ts';
import { isUp, type UnitFacts } from '../systemd/facts.ts';
import { journalctl } from '../systemd/typed.ts';
import { whileHeld } from './held.ts';
import { afterChange, type EndedChange } from './init/ended-change.ts';
import { type Place, placeInputs } from './place.ts';
import { tellMigrated } from './migrated-since.ts';
import { findWayBack } from './previous.ts';
import { requireWayClear } from './rollback-checks.ts';
import { lookAtService } from './service-look.ts';
import { shareDataAnyhow } from './share-data.ts';

interface RollbackOptions extends Pick<RunInputs, 'recovery' | 'cause'> {
  build?: string | undefined;
  waitMs: number;
}

/**
 * The emergency rollback (S8): to the previous proven build or to a named one, whatever state the unit is in.
 * A deploy that was cut off is ended first; when that brought the build before back, the rollback is done. So it is where a move
 * into the builds was cut off, and its end brought the service back that ran before there was any build.
 * @param recovery the recovery that goes back by it
 * @param cause why, where no person asks: what was wrong is kept before it changes, and the build that is left is not picked again
 * @throws `no_build`, `locked`, `permission`, `disk`; `refused` where it could only end with the service down
 */
export async function rollback(
  configured: Place,
  { build, waitMs, recovery, cause }: RollbackOptions,
): Promise<RunDocument> {
  await requireHookUsers(configured.target, ['smoke']);
  const doing = `rollback to ${build ?? 'the previous build'}`;
  return whileHeld(configured, { doing, waitMs, isEmergency: true }, async ({ place, settled, ended, guard }) => {
    if (settled?.outcome === 'rolled_back' && build === undefined && (await wasDeploy(place, settled.run))) {
      return { ...settled, kind: 'rollback', to: settled.active, outcome: 'deployed', failure: null };
    }
    const done = ended?.isTakenBack && build === undefined ? await doneByTakingBack(place, ended) : null;
    return (
      done ?? afterChange(ended, 'no build was gone back to', () => goTo(place, { build, recovery, cause, guard }))
    );
  });
}

/**
 * Where no build serves, none is the one before, and a unit that does not run in builds would not start it.
 * @returns null: a build serves
 * @throws `failed` where the service is not well
 */
async function doneByTakingBack(place: Place, ended: EndedChange): Promise<RunDocument | null> {
  const { target, config, paths } = place;
  const startedAt = new Date().toISOString();
  const { facts, from } = await inService(place);
  if (from !== null) return null;
  const { healthy, findings } = await lookAtService(place);
  if (!healthy) {
    const mend = journalctl(config.manager, target.unit);
    throw ended.failure ?? new CutoverError('failed', `${ended.text}; but ${findings.join('; ')}`, { mend });
  }
  const what = { run: await nextRunId(paths), kind: 'rollback' as const, ...placeInputs(place), startedAt };
  const known = { from, to: '', back: null, invocationBefore: facts.invocationId, memoryBefore: null };
  const ending = { outcome: 'unchanged' as const, exit_code: ExitCode.done, active: null, downtime_ms: null };
  const document = documentOf({ ...what, ...known }, { ...ending, steps: [], checks: [], failure: null });
  return { ...document, to: null, ended_first: ended.text };
}

async function goTo(
  place: Place,
  { build, recovery, cause, guard }: Omit<RollbackOptions, 'waitMs'> & { guard: Hold['guard'] },
): Promise<RunDocument> {
  const { target } = place;
  const startedAt = new Date().toISOString();
  const { facts, current, serving, from } = await inService(place);
  const to = build === undefined ? await aimOf(place, from) : await resolveBuild(target.builds, build);
  await requireWhole(target.builds, to);
  await requireWayClear(place, { facts, serving });
  const guarded = guard();
  await shareDataAnyhow(place, to);
  // Only what is healthy now is worth going back to.
  const back = from !== null && (await isHealthyNow(place, facts, from)) ? from : null;
  const what = { ...(await namedInputs(place, to, cause)), recovery };
  const alongside = await activeAlongside(place.systemd, facts);
  const known = { invocationBefore: facts.invocationId, memoryBefore: null, alongside, startedAt };
  await guarded;
  await pointWhereItServes(target, { serving, current, back }, place.emit);
  const document = await carryOut({ ...what, from, to, back, ...known }, [], place);
  await tellMigrated(place, document);
  return document;
}

async function namedInputs(
  place: Place,
  to: string,
  cause: RunInputs['cause'],
): Promise<Omit<RunInputs, 'from' | 'to' | 'back' | 'invocationBefore' | 'memoryBefore' | 'startedAt'>> {
  const [run, origin] = await Promise.all([nextRunId(place.paths), originOf(place.target.builds, to)]);
  const kept = cause && (await keepCause(cause, { run, ...placeInputs(place) }, place));
  return { run, kind: 'rollback', ...placeInputs(place), ...origin, cause: kept };
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

interface InService {
  facts: UnitFacts;
  /** what `current` names */
  current: string | null;
  /** what the unit's process runs from */
  serving: string | null;
  /** what is gone away from: what runs, since anybody can move a link */
  from: string | null;
}

async function inService(place: Place): Promise<InService> {
  const { builds } = place.target;
  const [facts, current] = await Promise.all([factsAsOnDisk(place), currentBuild(builds)]);
  const serving = await servingBuild(builds, facts, current);
  return { facts, current, serving, from: serving ?? current };
}

/** A unit file that was changed on the disk is read before the service is stopped: it may be one that cannot be started. */
async function factsAsOnDisk({ target, systemd }: Place): Promise<UnitFacts> {
  const facts = await systemd.facts(target.unit);
  if (!facts.needDaemonReload) return facts;
  await readAgain(systemd);
  return systemd.facts(target.unit);
}

/** The build that was proven before. @throws `no_build` */
async function aimOf(place: Place, from: string | null): Promise<string> {
  const { build, left } = await findWayBack(place, from);
  if (build !== null) return build;
  const { name } = place.target;
  const [newestLeft] = left;
  if (newestLeft !== undefined) {
    const fact = `there is no build to go back to: ${newestLeft[0]} was left by rollback ${newestLeft[1]}`;
    throw new CutoverError('no_build', fact, { mend: `cutover rollback ${name} ${newestLeft[0]}` });
  }
  const fact = from
    ? `there is no build to go back to: ${from} is the only good one`
    : 'nothing was ever deployed here';
  throw new CutoverError('no_build', fact, { mend: `cutover builds ${name}` });
}

/** One that systemd had to start anew so short a time ago may be on its way down again, whatever it answers in between. */
const steadyMs = 10 * 60_000;

async function isHealthyNow({ target, signal }: Place, facts: UnitFacts, from: string): Promise<boolean> {
  if (!isUp(facts)) return false;
  if (facts.restarts > 0 && Date.now() - facts.stateChangedMs < steadyMs) return false;
  const { builds, health } = target;
  const answers = await Promise.all(health.urls.map((url) => probe(url, health, signal)));
  if (answers.some(({ problem }) => problem !== null)) return false;
  return !health.identity || (await servingBuild(builds, facts, from)) === from;
}
