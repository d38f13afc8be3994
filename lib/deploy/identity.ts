import { readlinkSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, sep } from 'node:path';
import { errnoOf } from '../base/errors.ts';
import { poll, withDeadline } from '../base/wait.ts';
import { isBuildId } from '../builds/layout.ts';
import { StepFailure } from '../run/failure.ts';
import { isUp, type UnitFacts } from '../systemd/facts.ts';

/** What the gate wants to know: that what runs is this build, started by this run. */
export interface ExpectedIdentity {
  buildPath: string;
  /** the invocation that ran before; null: any will do */
  invocationBefore: string | null;
}

/** Between fork and exec a process still has systemd's directory. */
const execMs = 1_000;

/**
 * Proves that the unit runs the build: its invocation is new, its main process's directory or executable lies in it,
 * and no path on its command line leads into another build, as with an interpreter that was given a resolved path.
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
  await proveInside(facts, root, signal);
  const elsewhere = await pathInOtherBuild(facts.mainPid, root);
  if (elsewhere === null) return;
  const message = `pid ${facts.mainPid} of ${unit} runs ${elsewhere}, not what is in ${root}: let the unit name it through current`;
  throw new StepFailure('identity', message);
}

async function proveInside(
  { unit, mainPid }: Pick<UnitFacts, 'unit' | 'mainPid'>,
  root: string,
  signal: AbortSignal,
): Promise<void> {
  let seen = '';
  try {
    await withDeadline({ what: 'no proof', timeoutMs: execMs, signal }, (ended) =>
      poll({ everyMs: 5, signal: ended }, async () => {
        const places = placesOf(mainPid);
        seen = places.join(' and ');
        return places.length === 0 || places.some((place) => isInside(place, root)) ? true : undefined;
      }),
    );
  } catch (error) {
    signal.throwIfAborted();
    throw new StepFailure('identity', `pid ${mainPid} of ${unit} runs in ${seen}, not in ${root}`, { cause: error });
  }
}

/** The first argument of a process that leads into a build beside `root`; null: there is none, or it may not be seen. */
async function pathInOtherBuild(pid: number, root: string): Promise<string | null> {
  const builds = dirname(root);
  const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  for (const word of line.split('\0')) {
    // As a word of its own, or behind an option's equals sign.
    const path = word.slice(word.indexOf('=') + 1);
    const real = isAbsolute(path) ? await realpath(path).catch(() => null) : null;
    if (real === null || !isInside(real, builds) || isInside(real, root)) continue;
    if (isBuildId(real.slice(builds.length + 1).split(sep)[0] ?? '')) return real;
  }
  return null;
}

/**
 * The build that a running process really runs from, whatever `current` names by now; null when it runs elsewhere
 * or not at all. Where that may not be seen, or the unit is up without a process, `current` is believed.
 */
export async function servingBuild(
  builds: string,
  facts: Pick<UnitFacts, 'mainPid' | 'type' | 'activeState' | 'subState'>,
  current: string | null,
): Promise<string | null> {
  const { mainPid } = facts;
  if (mainPid === 0) return isUp(facts) ? current : null;
  const places = placesOf(mainPid);
  if (places.length === 0) return current;
  // Where it is gone, as with a disk that is not mounted, nothing that runs is seen to be in it.
  const root = await realpath(builds).catch(() => builds);
  const inside = places.filter((place) => isInside(place, root)).map((place) => place.slice(root.length + 1));
  const ids = inside.map((place) => place.split(sep)[0] ?? '');
  return ids.find((id) => isBuildId(id)) ?? null;
}

/** Directory and executable of a process; empty where they may not be read (another user's process, without root). */
function placesOf(pid: number): string[] {
  return ['cwd', 'exe'].flatMap((name) => linkOf(`/proc/${pid}/${name}`) ?? []);
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (['EACCES', 'EPERM', 'ENOENT', 'ESRCH'].includes(errnoOf(error) ?? '')) return null;
    throw error;
  }
}

/** Whether a path is a directory itself or below it. */
export function isInside(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory + sep);
}
