import { messageOf } from '../../base/errors.ts';
import { holderNow } from './holder.ts';
import { currentBuild } from '../../builds/current.ts';
import { originOf } from '../../builds/origin.ts';
import type { Place } from '../../deployer/place.ts';
import { previousBuild } from '../../deployer/previous.ts';
import { report } from '../../deployer/history.ts';
import { slo } from '../../deployer/slo.ts';
import type { ShownBuild, ShownHolder, ShownRun, ShownRunning, ShownTarget } from '../../report/page/model.ts';
import { runningOf } from '../../report/page/running.ts';
import { servesSince, shownRun } from '../../report/page/runs.ts';
import { listRuns } from '../../run/history.ts';
import { type InFlight, isAlive, readInFlight } from '../../run/in-flight.ts';
import { readLedger } from '../../run/ledger.ts';
import { ledgerPath } from '../../run/state.ts';

type RecordsPlace = Pick<Place, 'target' | 'paths' | 'config' | 'redact'>;

/** What files tell of a target. */
export interface Records {
  running: ShownRunning | null;
  holder: ShownHolder | null;
  /** newest first */
  runs: ShownRun[];
  build: Omit<ShownBuild, 'serving'>;
  figures: ShownTarget['figures'];
  /** why something of it is missing */
  notes: string[];
}

/** They change by themselves as time goes on, and cost a look at every ledger. */
const figuresMs = 60_000;

/**
 * Reads the records of a target again and again: the ledger of a run that has ended is read once.
 * @param mostRuns so many of the newest are told of
 */
export function recordsReader(place: RecordsPlace, mostRuns: number): () => Promise<Records> {
  const read = new Map<string, ShownRun>();
  const previous = onceFor(() => previousBuild(place));
  const figures = onceFor(() => figuresOf(place));
  return async () => {
    const notes: string[] = [];
    const orNull = noting(notes);
    const mark = await orNull(readInFlight(place.paths));
    const runs = (await orNull(readRuns(place, { known: read, mark, mostRuns }))) ?? [];
    const running = mark && (await orNull(readRunning(place, mark, runs)));
    // From its begin on the run itself is shown.
    const holder = mark === null ? await orNull(holderNow(place.paths)) : null;
    const current = await orNull(currentBuild(place.target.builds));
    const state = `${current} ${runs[0]?.run}`;
    const build: Records['build'] = {
      current,
      ...(await originOf(place.target.builds, current)),
      since: servesSince(runs, current),
      previous: await orNull(previous(state)),
    };
    const minute = Math.floor(Date.now() / figuresMs);
    const known = { running, holder, runs, build, figures: await orNull(figures(`${state} ${minute}`)) };
    return { ...known, notes: [...new Set(notes)] };
  };
}

/** Gives null in place of what cannot be found out, and notes why. */
function noting(notes: string[]): <T>(asked: Promise<T>) => Promise<T | null> {
  return async (asked) =>
    asked.catch((error: unknown) => {
      notes.push(messageOf(error));
      return null;
    });
}

async function readRuns(
  { paths, config, redact }: RecordsPlace,
  { known, mark, mostRuns }: { known: Map<string, ShownRun>; mark: InFlight | null; mostRuns: number },
): Promise<ShownRun[]> {
  const wanted = (await listRuns(paths)).slice(0, mostRuns);
  const runs: ShownRun[] = [];
  for (const run of wanted) {
    const shown = known.get(run) ?? (await readOne(run));
    if (shown) runs.push(shown);
  }
  for (const run of known.keys()) if (!wanted.includes(run)) known.delete(run);
  return runs;

  async function readOne(run: string): Promise<ShownRun | null> {
    // Half a line, or a ledger that was pruned in between: nothing is told of it.
    const document = await report(paths, run).catch(() => null);
    if (!document || (document.unfinished && run === mark?.run)) return null;
    const shown = shownRun(document, { manager: config.manager, redact, config: config.file });
    if (!document.unfinished) known.set(run, shown);
    return shown;
  }
}

async function readRunning(
  { paths, redact }: RecordsPlace,
  mark: InFlight,
  past: readonly ShownRun[],
): Promise<ShownRunning | null> {
  // In this order: a run that ends between the two has its outcome in the ledger by then.
  const isAtWork = await isAlive(mark);
  const lines = await readLedger(ledgerPath(paths, mark.run));
  const running = lines && runningOf(lines, { isAtWork, past });
  if (!running?.failure) return running;
  return { ...running, failure: { ...running.failure, message: redact(running.failure.message) } };
}

async function figuresOf({ config, target, paths }: RecordsPlace): Promise<ShownTarget['figures']> {
  return (await slo({ app: config.app, target: target.name, paths }, { sinceMs: null })).figures;
}

/** Asks once for each state of things. */
function onceFor<T>(ask: () => Promise<T>): (state: string) => Promise<T> {
  let last: { state: string; answer: Promise<T> } | null = null;
  return (state) => {
    if (last?.state === state) return last.answer;
    const answer = ask();
    last = { state, answer };
    // A disk that is there again answers again.
    answer.catch(() => (last = null));
    return answer;
  };
}
