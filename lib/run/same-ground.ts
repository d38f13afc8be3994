import { constants } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { atMost } from '../base/at-most.ts';
import { CutoverError, isCutoverError } from '../base/errors.ts';
import { lockDescriptor } from '../base/flock.ts';
import { isLiving } from './in-flight.ts';
import { type Ground, type Holder, holderIn, holderText, type Lock, type LockRequest, takeLock } from './lock.ts';
import { type StatePaths, statePathsIn } from './state.ts';

/** The lock of a target, and those of all others that work on the same ground. */
export interface GroundLock extends Lock {
  others: StatePaths[];
}

interface Other {
  paths: StatePaths;
  file: FileHandle;
  holder: Holder;
}

interface GroundRequest extends LockRequest {
  ground: Ground | Promise<Ground>;
}

const readAtOnce = 16;
const mostBytes = 4_096;
const mend = 'cutover status, or repeat with --wait';

/**
 * Takes a target's lock, and with it the lock of every other target below the same state directory that was last taken for the
 * same unit or the same builds: one unit may be a target of two configurations, and of the form that has none. Each writes what it
 * works on into its own lock before it looks at the others', so that of two at once one sees the other at least. Whoever has to
 * wait for another gives back its own meanwhile.
 * @throws `locked`, naming the holder; `permission`, `disk`
 */
export async function takeGround(paths: StatePaths, request: GroundRequest): Promise<GroundLock> {
  const until = performance.now() + request.waitMs;
  for (;;) {
    const got = await tryGround(paths, { ...request, waitMs: leftUntil(until) });
    if ('release' in got) return got;
    try {
      await waitFor(got, { ...request, until });
    } finally {
      await got.file.close();
    }
  }
}

/** @returns what was taken; or the one that somebody else has, and then nothing was */
async function tryGround(paths: StatePaths, request: GroundRequest): Promise<GroundLock | Other> {
  const { signal } = request;
  const own = await takeLock(paths, request).catch(async (error: unknown) => {
    throw isCutoverError(error, 'locked') ? await named(error, paths, await request.ground) : error;
  });
  const others = await othersOn(await request.ground, paths);
  const release = async (kept: Other | null = null): Promise<void> => {
    await Promise.all([own.release(), ...others.map((other) => (other === kept ? undefined : other.file.close()))]);
  };
  const busy = await firstBusy(others, signal).catch(async (error: unknown) => {
    await release();
    throw error;
  });
  if (busy === null) return { others: others.map((other) => other.paths), release: () => release() };
  await release(busy);
  return busy;
}

/** Takes the others' locks one by one. @returns the first that somebody has; null: all are taken */
async function firstBusy(others: readonly Other[], signal: AbortSignal): Promise<Other | null> {
  for (const other of others) {
    if (!(await lockDescriptor(other.file.fd, { waitMs: 0, signal }))) return other;
  }
  return null;
}

async function waitFor(
  { file, holder }: Other,
  { until, signal, onWaiting, ...request }: GroundRequest & { until: number },
): Promise<void> {
  const ground = await request.ground;
  const who = (await isLiving(holder)) ? `: ${holderText(holder)}` : '';
  const what = `another run holds ${ground.unit}${who}`;
  const waitMs = leftUntil(until);
  if (waitMs > 0) onWaiting(what);
  if (waitMs > 0 && (await lockDescriptor(file.fd, { waitMs, signal }))) return;
  throw new CutoverError('locked', what, { mend });
}

/** Whole milliseconds, as a child's time limit has to be. */
function leftUntil(until: number): number {
  return Math.max(0, Math.ceil(until - performance.now()));
}

/** The target's own lock may be kept by a run on the same ground, which writes nothing into a lock that is not its own. */
async function named(error: CutoverError, paths: StatePaths, ground: Ground): Promise<CutoverError> {
  if (error.message.includes('(pid ')) return error;
  const others = await othersOn(ground, paths);
  await Promise.all(others.map(({ file }) => file.close()));
  for (const { holder } of others) {
    if (await isLiving(holder))
      return new CutoverError('locked', `another run holds ${ground.unit}: ${holderText(holder)}`, { mend });
  }
  return error;
}

/** The other targets that were last taken for the same unit or builds; what this user may not read is not seen. */
async function othersOn(ground: Ground, { directory }: StatePaths): Promise<Other[]> {
  const state = dirname(dirname(directory));
  const apps = await namesIn(state);
  const targets = await atMost(readAtOnce, apps, async (app) =>
    (await namesIn(join(state, app))).map((name) => join(state, app, name)),
  );
  const paths = targets.flat().filter((path) => path !== directory);
  const found = await atMost(readAtOnce, paths, (path) => openOther(statePathsIn(path), ground));
  return found.filter((other) => other !== null);
}

async function namesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** Another user's directory may hold anything by that name: it is only read, and nothing there is waited for. */
async function openOther(paths: StatePaths, ground: Ground): Promise<Other | null> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(paths.lock, flags).catch(() => null);
  if (file === null) return null;
  const holder = await textOf(file).then(holderIn, () => null);
  if (holder?.ground && isSame(holder.ground, ground)) return { paths, file, holder };
  await file.close();
  return null;
}

async function textOf(file: FileHandle): Promise<string> {
  if (!(await file.stat()).isFile()) return '';
  const { buffer, bytesRead } = await file.read(Buffer.alloc(mostBytes), 0, mostBytes, 0);
  return buffer.toString('utf8', 0, bytesRead);
}

function isSame(one: Ground, other: Ground): boolean {
  return one.builds === other.builds || (one.unit === other.unit && one.manager === other.manager);
}
