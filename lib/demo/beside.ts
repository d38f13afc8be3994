import type { Command } from '../base/exec.ts';
import type { DemoBuild } from './acts.ts';
import type { SideBySideDocument, SideDocument, SideRun } from './document.ts';
import type { Mark } from './observed.ts';
import { type Load, startLoad } from './load.ts';
import { pictured, marksOfRun } from './perform.ts';
import { endOf, windowAround } from './picture-window.ts';
import { runInside } from './run-inside.ts';
import { besideTitle, firstSideBuild, type Side, socketOf, triedSideBuilds } from './sides.ts';
import { runIn, type Stage } from './stage.ts';
import type { Picture } from './timeline.ts';

/** What the last act is performed with. */
export interface BesideTools {
  stage: Stage;
  /** Puts a build beside the others of both services. */
  add: (build: DemoBuild) => Promise<void>;
  cutover: Command;
  signal: AbortSignal;
}

/** … and shown while it goes on. */
interface ShownTools extends BesideTools {
  columns: number;
  /** gives the receiver of what a side's command says on its way */
  follow: (side: string) => (line: string) => void;
}

/** The last act, over. */
export interface PerformedBeside {
  document: SideBySideDocument;
  /** one for each side, all of the same moments */
  pictures: Picture[];
}

/**
 * Brings both services up, and puts the same load on both: what a first deploy is like has been seen.
 * @returns a load for each side
 */
export async function setSides({ stage, add, cutover, signal }: BesideTools): Promise<Load[]> {
  const { ground, sides } = stage;
  await add(firstSideBuild);
  const sockets = sides.filter(({ strategy }) => strategy === 'overlap').map(socketOf);
  await runIn(ground, ground.systemctl('start', ...sockets));
  const quiet = { signal, onLine: () => {} };
  await Promise.all(sides.map(({ strategy }) => runInside(ground, [...cutover, 'deploy', strategy], quiet)));
  const ports = sides.map(({ port }) => port);
  return startLoad(ground, ports, signal);
}

/** Deploys one build after the other on both sides at once, and gathers what the ledgers and the loads tell. */
export async function performBeside(loads: readonly Load[], tools: ShownTools): Promise<PerformedBeside> {
  const { sides } = tools.stage;
  const startedMs = Date.now();
  const rounds: SideRun[][] = [];
  for (const build of triedSideBuilds) {
    await tools.add(build);
    rounds.push(await Promise.all(sides.map((side) => deployOn(side, build, tools))));
  }
  const endedMs = Date.now();
  const runs = sides.map((_, index) => rounds.flatMap((round) => round[index] ?? []));
  const marks = await Promise.all(sides.map(({ strategy }, index) => marksOf(strategy, runs[index] ?? [], tools)));
  const moments = marks.some((mine) => mine.length > 0) ? marks.flat() : [{ atMs: endedMs }];
  const window = windowAround(moments, tools.columns);
  const toMs = Math.max(endedMs, endOf(window));
  await Promise.all(loads.map((load) => load.settled(toMs)));
  const pictures = loads.map(({ samples }, index) => ({ window, samples, marks: marks[index] ?? [] }));
  return { document: documentOf(sides, { runs, pictures }, { startedMs, toMs }), pictures };
}

function documentOf(
  sides: readonly Side[],
  { runs, pictures }: { runs: readonly SideRun[][]; pictures: readonly Picture[] },
  span: { startedMs: number; toMs: number },
): SideBySideDocument {
  return {
    title: besideTitle,
    as_expected: runs.flat().every((run) => run.as_expected),
    started_at: new Date(span.startedMs).toISOString(),
    sides: pictures.map((picture, index): SideDocument => {
      const mine = runs[index] ?? [];
      const strategy = sides[index]?.strategy ?? 'restart';
      return { strategy, runs: mine, downtime_ms: downtimeOf(mine), ...pictured(picture, span) };
    }),
  };
}

async function deployOn(
  { strategy }: Side,
  { letter, fault }: DemoBuild,
  { stage, cutover, signal, follow }: ShownTools,
): Promise<SideRun> {
  const watching = { signal, onLine: follow(strategy) };
  const { run, exitCode, error } = await runInside(stage.ground, [...cutover, 'deploy', strategy], watching);
  const outcome = run?.outcome ?? null;
  const as_expected = outcome === (fault ? 'rolled_back' : 'deployed') && exitCode === (fault ? 4 : 0);
  return { letter, command: `cutover deploy ${strategy}`, outcome, exit_code: exitCode, as_expected, error, run };
}

async function marksOf(target: string, runs: readonly SideRun[], { stage }: BesideTools): Promise<Mark[]> {
  const each = await Promise.all(runs.map(({ run }) => marksOfRun(stage.ground, target, run?.run ?? null)));
  return each.flat();
}

function downtimeOf(runs: readonly SideRun[]): number | null {
  const times = runs.map(({ run }) => run?.downtime_ms ?? null);
  return times.every((ms) => ms !== null) ? times.reduce((sum, ms) => sum + ms, 0) : null;
}
