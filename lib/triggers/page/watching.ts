import { atMost, looksAtOnce } from '../../base/at-most.ts';
import { openController, sleep } from '../../base/wait.ts';
import type { PageModel, ShownMachine } from '../../report/page/model.ts';
import { version } from '../../version.ts';
import { oneAtATime, patient } from './again.ts';
import type { Disks } from './disks.ts';
import type { WatchedPlace } from './knowledge.ts';
import { lookAtMachine } from './machine.ts';
import { type TargetWatch, watchTarget } from './target-watch.ts';

/** The state of all targets, looked at only while somebody wants to see it. */
export interface Watching {
  /** How it is now, or was within the last second. */
  now(): Promise<PageModel>;
  /**
   * Tells of each change until the returned function is called.
   * @returns null when there are as many listeners already as there may be
   */
  subscribe(listener: () => void): (() => void) | null;
  /** How it was when it was looked at last. */
  latest(): PageModel;
}

const mostListeners = 32;
/** Many targets have a shorter past each: a page that is too long helps nobody, and it is sent whole. */
const [fewestRuns, mostRuns, mostRunsTogether] = [8, 48, 480];
/** Of more the changes are seen a little later. */
const mostUnits = 100;
/** What is asked for again within this time is answered from memory. */
const freshMs = 1_000;
const everyMs = 3_000;
/** During a run clients may see errors, and a person watches. */
const everyMsInRun = 1_000;
/** A page that is loaded again takes up where it was. */
const lingerMs = 5_000;

/** A look at a target that hangs holds nothing else up for longer than this. */
const patienceMs = 20_000;

/** What is watched. */
export interface Watched {
  places: readonly WatchedPlace[];
  disks: Disks;
  /** ends all of it */
  signal: AbortSignal;
  /** a look that takes longer is not waited for */
  lookMs?: number;
}

export function openWatching(app: string, { places, disks, signal, lookMs = patienceMs }: Watched): Watching {
  const { targets, machineNow } = looksAt({ places, disks, signal, lookMs });
  const { latest, change, listeners } = modelOf(app, targets);
  let lookedMs = Number.NEGATIVE_INFINITY;
  const look = oneAtATime(async () => {
    const [machine] = await Promise.all([machineNow(), eachOf(targets)]);
    lookedMs = performance.now();
    change(machine);
  });
  const follow = following(targets, { look, tell: () => change(), signal });
  return {
    latest,
    async now() {
      if (performance.now() - lookedMs > freshMs) await look();
      return latest();
    },
    subscribe: (listener) => (signal.aborted ? null : subscribed(listener, listeners, follow)),
  };
}

/** What is looked at, in rounds. A machine that cannot be looked at in time is shown as it was: undefined. */
function looksAt({ places, disks, signal, lookMs }: Required<Watched>): {
  targets: TargetWatch[];
  machineNow: () => Promise<ShownMachine | undefined>;
} {
  const runs = Math.max(fewestRuns, Math.min(mostRuns, Math.floor(mostRunsTogether / places.length)));
  const targets = places.map((place, index) =>
    watchTarget(place, { runs, isUnitWatched: index < mostUnits, disks, lookMs }),
  );
  const directories = places.flatMap(({ target, paths }) => [target.builds, paths.directory]);
  const bounds = { what: 'the machine could not be looked at', timeoutMs: lookMs, signal };
  const machine = patient(bounds, () => lookAtMachine(directories, disks));
  return { targets, machineNow: () => machine().catch(() => undefined) };
}

/** The first listener begins what is followed, and the last one ends it. */
function subscribed(listener: () => void, listeners: Set<() => void>, follow: Following): (() => void) | null {
  if (listeners.size >= mostListeners) return null;
  listeners.add(listener);
  follow.begin();
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) follow.endSoon();
  };
}

/** One model for all listeners, until something is another way: then each of them is called. */
function modelOf(
  app: string,
  targets: readonly TargetWatch[],
): { latest: () => PageModel; change: (machine?: ShownMachine) => void; listeners: Set<() => void> } {
  const listeners = new Set<() => void>();
  let known: ShownMachine = { memory_total_bytes: 0, memory_available_bytes: 0, disks: [] };
  let model: PageModel | null = null;
  return {
    latest() {
      const at = new Date().toISOString();
      model ??= { app, version, at, targets: targets.map((target) => target.shown()), machine: known };
      return model;
    },
    change(machine = known) {
      known = machine;
      model = null;
      for (const listener of listeners) listener();
    },
    listeners,
  };
}

interface Following {
  begin: () => void;
  endSoon: () => void;
}

function following(
  targets: readonly TargetWatch[],
  { look, tell, signal }: { look: () => Promise<void>; tell: () => void; signal: AbortSignal },
): Following {
  let followed: AbortController | null = null;
  let timer: NodeJS.Timeout | undefined;
  const end = (): void => {
    followed?.abort();
    followed = null;
  };
  signal.addEventListener('abort', end, { once: true });
  return {
    begin() {
      clearTimeout(timer);
      if (followed) return;
      followed = openController();
      for (const target of targets) target.follow(followed.signal, tell);
      void rounds(targets, look, followed.signal);
    },
    endSoon() {
      timer = setTimeout(end, lingerMs).unref();
    },
  };
}

async function rounds(targets: readonly TargetWatch[], look: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const before = process.cpuUsage();
    // What could not be found out stands in the state itself; anything else is tried again.
    await look().catch(() => {});
    const { user, system } = process.cpuUsage(before);
    const isChanging = targets.some((target) => target.isChanging());
    // With very many targets no more than a fifth of a processor goes into looking.
    const restMs = (4 * (user + system)) / 1000;
    await sleep(Math.max(isChanging ? everyMsInRun : everyMs, restMs), signal).catch(() => {});
  }
}

/** Also those beside one that cannot be looked at. */
async function eachOf(targets: readonly TargetWatch[]): Promise<void> {
  const looks = await atMost(looksAtOnce, targets, async (target) =>
    target.refresh().then(
      () => null,
      (error: unknown) => ({ error }),
    ),
  );
  const failed = looks.find((look) => look !== null);
  if (failed) throw failed.error;
}
