import { readdir } from 'node:fs/promises';
import { isBuildId } from '../builds/layout.ts';
import type { ChannelConfig } from '../config/model.ts';
import type { Place } from '../deployer/place.ts';
import type { RunDocument } from '../run/document.ts';
import { leaveHold } from '../run/hold.ts';
import { failuresKept, ledgersKept } from '../run/retention.ts';
import type { Terminal } from './command.ts';
import { metricsAfterwards } from './metrics-afterwards.ts';
import { notifyAfterwards } from './notify-afterwards.ts';
import type { CommandPlace } from './place.ts';
import { interruptSignal } from './signals.ts';

/** Current and previous stay beside the builds that `keep` counts. */
const others = 2;
/** To find out which ledgers nobody needs costs as much for one as for these: each deploy would pay for it. */
const ledgersAtOnce = 10;

/** So long a run that follows waits for the scope of this one by itself. */
const slowMs = 1_000;

interface AfterwardsOptions {
  terminal: Pick<Terminal, 'env' | 'isBehind'>;
  /** those of the configuration when none are given */
  channels?: readonly ChannelConfig[];
  /** the directory for metrics, null: none are written; that of the configuration when none is given */
  metrics?: string | null;
  isPruned?: boolean;
}

/**
 * What follows an outcome that is told already, and never changes it: the keep rules, hooks, who is to be told, metrics, the journal.
 * @param document null: the command was no run, but may have ended one that had been cut off
 */
export async function afterwards(
  document: RunDocument | null,
  place: CommandPlace,
  {
    terminal: { env, isBehind },
    channels = place.config.notify,
    metrics = place.config.metrics,
    // Without a file nobody said how many builds are to be kept: none is removed.
    isPruned = place.config.file !== null,
  }: AfterwardsOptions,
): Promise<void> {
  const before = place.settled.filter(({ run }) => run !== document?.run);
  const ended = document ? [...before, document] : before;
  const leaving = leaveWhenSlow(place);
  try {
    const pruning = isPruned && document ? pruneAfterwards(document, place) : undefined;
    const hooks = Promise.resolve(pruning).then(() => hooksAfterwards(ended, place));
    await Promise.all([hooks, notifyAfterwards(ended, place, { channels, env }), metricsAfterwards(place, metrics)]);
    await place.journalled();
  } finally {
    await leaving.end({ isReaderSlow: isBehind() });
  }
}

/** Does a command's work. What it had ended before it failed is told all the same. @throws what the work throws */
export async function whileWorking<T>(
  place: CommandPlace,
  terminal: Pick<Terminal, 'env' | 'isBehind'>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (place.settled.length > 0) await afterwards(null, place, { terminal, isPruned: false });
    else await place.journalled();
    throw error;
  }
}

/** Nobody who deploys next is to wait for the scope of a run that has ended. */
function leaveWhenSlow({ systemd, config, target }: CommandPlace): {
  end: (options: { isReaderSlow: boolean }) => Promise<void>;
} {
  let leaving: Promise<void> | undefined;
  const leave = (): void => {
    leaving ??= leaveHold({ systemd, app: config.app, target: target.name });
  };
  const timer = setTimeout(leave, slowMs);
  return {
    async end({ isReaderSlow }) {
      clearTimeout(timer);
      // The process does not end before whoever reads has read.
      if (isReaderSlow) leave();
      // A process that ends while it is being moved would leave an empty scope behind.
      await leaving;
    },
  };
}

/** The hooks of this outcome, and of runs that were ended before it. */
async function hooksAfterwards(ended: readonly RunDocument[], place: CommandPlace): Promise<void> {
  if (ended.length === 0 || Object.keys(place.target.hooks).length === 0) return;
  const { runAfterHooks } = await import('../deployer/after-hooks.ts');
  // Of its own: a run that was interrupted is told of, too.
  const signal = interruptSignal();
  for (const one of ended) await runAfterHooks(one, { ...place, signal });
}

/** The keep rules, where there is more than they keep. */
async function pruneAfterwards({ outcome }: RunDocument, place: Place): Promise<void> {
  if (outcome !== 'deployed' && outcome !== 'rolled_back') return;
  const { target, paths } = place;
  const [names, evidence, ledgers] = await Promise.all(
    [target.builds, paths.evidence, paths.runs].map((directory) => readdir(directory).catch(() => [])),
  );
  const builds = names?.filter((name) => isBuildId(name)) ?? [];
  const isLeft = names?.some((name) => name.startsWith('.')) ?? false;
  const isMore = builds.length > target.keep + others || (evidence?.length ?? 0) > failuresKept;
  if (!isMore && !isLeft && (ledgers?.length ?? 0) < ledgersKept + ledgersAtOnce) return;
  const { pruneAfter } = await import('../deployer/prune.ts');
  await pruneAfter(place);
}
