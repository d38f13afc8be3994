import { readlink, realpath } from 'node:fs/promises';
import { sep } from 'node:path';
import { errnoOf } from '../base/errors.ts';
import { poll, withDeadline } from '../base/wait.ts';
import { isBuildId } from '../builds/layout.ts';
import { StepFailure } from '../run/failure.ts';
import type { UnitFacts } from '../systemd/facts.ts';

/** What the gate wants to know: that what runs is this build, started by this run. */
export interface ExpectedIdentity {
  buildPath: string;
  /** the invocation that ran before; null: any will do */
  invocationBefore: string | null;
}

/** Between fork and exec a process still has systemd's directory. */
const execMs = 1_000;

/**
 * Proves that the unit runs the build: its invocation is new, and its main process's directory or executable lies in it.
 * @throws `StepFailure` identity, saying where the process really runs
 */
export async function proveIdentity(
  facts: Pick<UnitFacts, 'unit' | 'invocationId' | 'mainPid'>,
  expected: ExpectedIdentity,
  signal: AbortSignal,
): Promise<void> {
  const { unit } = facts;
  const { invocationBefore } = expected;
  if (invocationBefore !== null && facts.invocationId === invocationBefore) {
    throw new StepFailure('identity', `${unit} was not started anew: the process from before still serves`);
  }
  if (facts.mainPid === 0) return;
  const root = await realpath(expected.buildPath);
  let seen = '';
  try {
    await withDeadline({ what: 'no proof', timeoutMs: execMs, signal }, (ended) =>
      poll({ everyMs: 5, signal: ended }, async () => {
        const places = await placesOf(facts.mainPid);
        seen = places.join(' and ');
        return places.length === 0 || places.some((place) => isInside(place, root)) ? true : undefined;
      }),
    );
  } catch (error) {
    signal.throwIfAborted();
    throw new StepFailure('identity', `pid ${facts.mainPid} of ${unit} runs in ${seen}, not in ${root}`, {
      cause: error,
    });
  }
}

/**
 * The build that a running process really runs from, whatever `current` names by now; null when it runs elsewhere
 * or not at all. Where that may not be seen, `current` is believed.
 */
export async function servingBuild(
  builds: string,
  { mainPid, current }: { mainPid: number; current: string | null },
): Promise<string | null> {
  if (mainPid === 0) return null;
  const places = await placesOf(mainPid);
  if (places.length === 0) return current;
  const root = await realpath(builds);
  const inside = places.filter((place) => isInside(place, root)).map((place) => place.slice(root.length + 1));
  const ids = inside.map((place) => place.split(sep)[0] ?? '');
  return ids.find((id) => isBuildId(id)) ?? null;
}

/** Directory and executable of a process; empty where they may not be read (another user's process, without root). */
async function placesOf(pid: number): Promise<string[]> {
  const links = await Promise.all(
    ['cwd', 'exe'].map((name) =>
      readlink(`/proc/${pid}/${name}`).catch((error: unknown) => {
        if (['EACCES', 'EPERM', 'ENOENT', 'ESRCH'].includes(errnoOf(error) ?? '')) return null;
        throw error;
      }),
    ),
  );
  return links.filter((link) => link !== null);
}

/** Whether a path is a directory itself or below it. */
export function isInside(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory + sep);
}
