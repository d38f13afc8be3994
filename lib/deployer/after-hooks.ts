import { messageOf } from '../base/errors.ts';
import { currentBuild } from '../builds/current.ts';
import { originOf } from '../builds/origin.ts';
import type { HookName } from '../config/model.ts';
import { leftFor } from '../run/cause.ts';
import type { Outcome, RunDocument } from '../run/document.ts';
import { leaveHold } from '../run/hold.ts';
import { runHooks } from '../run/hooks.ts';
import type { Place } from './place.ts';

/** The hooks that are told of an outcome. */
const hookOf: Partial<Record<Outcome, HookName>> = {
  deployed: 'deployed',
  rolled_back: 'rolled_back',
  failed: 'failed',
};

/** Which hook is told of a run, and of what. */
function aboutHook(document: RunDocument): {
  name: HookName | undefined;
  outcome: Outcome;
  tried: string | null;
  before: string | null;
} {
  const { kind, outcome, from, to } = document;
  // A build that failed in service: to whoever is told it is as one that failed its deploy.
  if (leftFor(document) !== null) return { name: 'rolled_back', outcome: 'rolled_back', tried: from, before: to };
  // What came back is nothing new: the hook is for a build that was deployed.
  const name = kind === 'recovery' && outcome === 'deployed' ? undefined : hookOf[outcome];
  return { name, outcome, tried: to, before: from };
}

/**
 * Runs the hook of a run's outcome, which is written down already: whatever the hook does, it stays. The target is free
 * again, so that nobody who has to go back waits for it.
 * @param place with a signal of its own: the one that interrupted the run is spent
 */
export async function runAfterHooks(document: RunDocument, place: Place): Promise<void> {
  const { run } = document;
  const { name, outcome, tried, before } = aboutHook(document);
  const { target, config, systemd, emit } = place;
  if (name === undefined || run === null || (target.hooks[name] ?? []).length === 0) return;
  const build = tried === '' ? null : tried;
  const [current, { revision, branch }] = await Promise.all([
    currentBuild(target.builds).catch(() => null),
    originOf(target.builds, build),
  ]);
  const context = { app: config.app, target, run, build, current, previous: before, revision, branch, outcome };
  emit({ type: 'run', run });
  await leaveHold({ systemd, app: config.app, target: target.name });
  const dir = build === null ? target.builds : `${target.builds}/${build}`;
  await runHooks({ name, context, dir, isAfterwards: true }, place).catch((error: unknown) => {
    emit({ type: 'note', message: `the hook ${name} failed, which changes nothing: ${messageOf(error)}` });
  });
}
