import { readdir } from 'node:fs/promises';
import { isBuildId } from '../builds/layout.ts';
import type { ChannelConfig } from '../config/model.ts';
import type { Place } from '../deployer/place.ts';
import type { RunDocument } from '../run/document.ts';
import { failuresKept, ledgersKept } from '../run/retention.ts';
import type { Terminal } from './command.ts';
import { notifyAfterwards } from './notify-afterwards.ts';
import type { CommandPlace } from './place.ts';
import { interruptSignal } from './signals.ts';

/** Current and previous stay beside the builds that `keep` counts. */
const others = 2;

/** What follows an outcome that is told already, and never changes it: the keep rules, who is to be told, the journal. */
export async function afterwards(
  document: RunDocument,
  place: CommandPlace,
  {
    terminal: { env },
    channels = place.config.notify,
    isPruned = true,
  }: { terminal: Pick<Terminal, 'env'>; channels?: readonly ChannelConfig[]; isPruned?: boolean },
): Promise<void> {
  const pruning = isPruned ? pruneAfterwards(document, place) : undefined;
  const hooks = Promise.resolve(pruning).then(() => hooksAfterwards(document, place));
  await Promise.all([hooks, notifyAfterwards(document, place, { channels, env })]);
  await place.journalled();
}

/** The hooks of this outcome, and of runs that were ended before it. */
async function hooksAfterwards(document: RunDocument, place: CommandPlace): Promise<void> {
  if (Object.keys(place.target.hooks).length === 0) return;
  const { runAfterHooks } = await import('../deployer/after-hooks.ts');
  // Of its own: a run that was interrupted is told of, too.
  const signal = interruptSignal();
  const ended = [...place.settled.filter(({ run }) => run !== document.run), document];
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
  if (!isMore && !isLeft && (ledgers?.length ?? 0) <= ledgersKept) return;
  const { pruneAfter } = await import('../deployer/prune.ts');
  await pruneAfter(place);
}
