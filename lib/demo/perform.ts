import type { Command } from '../base/exec.ts';
import { readLedger } from '../run/ledger.ts';
import { ledgerPath, statePaths } from '../run/state.ts';
import type { Act } from './acts.ts';
import type { ActDocument } from './document.ts';
import type { Mark } from './observed.ts';
import type { Ground } from './ground.ts';
import type { Load } from './load.ts';
import { viewOf } from './load-view.ts';
import { marksOf } from './marks.ts';
import { endOf, windowAround } from './picture-window.ts';
import { type Ran, runInside } from './run-inside.ts';
import { slotsOf } from './slots.ts';
import type { Stage } from './stage.ts';
import type { Picture } from './timeline.ts';

/** What every act is performed with. */
export interface ActTools {
  stage: Stage;
  load: Load;
  /** the command line that runs inside */
  cutover: Command;
  signal: AbortSignal;
  /** how wide the picture may be */
  columns: number;
  /** receives what the command says on its way */
  onLine: (line: string) => void;
}

/** An act that is over. */
export interface Performed {
  document: ActDocument;
  picture: Picture;
}

/** Puts in place what the act needs, runs its command, and gathers what the ledger and the load tell of it. */
export async function perform(act: Act, tools: ActTools): Promise<Performed> {
  const { stage, load, cutover } = tools;
  const startedMs = Date.now();
  const prepared = await prepare(act, stage);
  const ran = await runInside(stage.ground, [...cutover, ...act.args], tools);
  const endedMs = Date.now();
  const marks = [...prepared, ...(await marksOfRun(stage.ground, 'production', ran.run?.run ?? null))];
  if (marks.length === 0) marks.push({ atMs: endedMs, label: 'ended', kind: 'bad' });
  const window = windowAround(marks, tools.columns);
  const toMs = Math.max(endedMs, endOf(window));
  await load.settled(toMs);
  const stranger_alive = act.stranger ? await stage.isStrangerAlive() : null;
  const picture = { window, samples: load.samples, marks };
  return { document: { ...documentOf(act, { startedMs, toMs, ran, picture }), stranger_alive }, picture };
}

async function prepare({ stranger }: Act, stage: Stage): Promise<Mark[]> {
  if (stranger === 'comes') await stage.bringStranger();
  if (stranger !== 'goes') return [];
  const atMs = Date.now();
  await stage.removeStranger();
  return [{ atMs, label: 'stranger ended', kind: 'forward' }];
}

/** What a run's ledger tells of its moments. */
export async function marksOfRun(ground: Ground, target: string, run: string | null): Promise<Mark[]> {
  if (run === null) return [];
  const path = ledgerPath(statePaths({ state: ground.state, app: ground.app, target }), run);
  return marksOf((await readLedger(ground.hostPath(path))) ?? []);
}

function documentOf(
  { name, title, args, expected }: Act,
  { startedMs, toMs, ran, picture }: { startedMs: number; toMs: number; ran: Ran; picture: Picture },
): Omit<ActDocument, 'stranger_alive'> {
  const { run, exitCode, error } = ran;
  const outcome = run?.outcome ?? null;
  return {
    name,
    title,
    command: ['cutover', ...args].join(' '),
    outcome,
    exit_code: exitCode,
    as_expected: outcome === expected.outcome && exitCode === expected.exitCode,
    downtime_ms: run?.downtime_ms ?? null,
    started_at: new Date(startedMs).toISOString(),
    ...pictured(picture, { startedMs, toMs }),
    error,
    run,
  };
}

/** What a document tells of a picture, and of all the requests of the act. */
export function pictured(
  { window, samples, marks }: Picture,
  { startedMs, toMs }: { startedMs: number; toMs: number },
): Pick<ActDocument, 'load' | 'marks' | 'timeline'> {
  const sinceStart = (atMs: number): number => Math.round(atMs - startedMs);
  return {
    load: viewOf(samples, { fromMs: startedMs, toMs }),
    marks: marks.map(({ atMs, label, kind }) => ({ at_ms: sinceStart(atMs), label, kind })),
    timeline: { from_ms: sinceStart(window.fromMs), slot_ms: window.slotMs, slots: slotsOf(samples, window) },
  };
}
