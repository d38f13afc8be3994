import type { StatsFs } from 'node:fs';
import { rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../base/errors.ts';
import { makePrivateDirectory, writeDurably } from '../../base/files.ts';
import { withDeadline } from '../../base/wait.ts';
import { askDisk, usedPercent } from '../../checks/disk.ts';
import type { Config } from '../../config/model.ts';
import { pathsOf } from '../../deployer/place.ts';
import { history } from '../../deployer/history.ts';
import type { RunDocument } from '../../run/document.ts';
import type { Systemd } from '../../systemd/systemd.ts';
import { version } from '../../version.ts';
import type { Disks } from '../page/disks.ts';
import { nothingProblem } from './came-to-nothing.ts';
import type { Faults } from './faults.ts';
import type { MemoryLimit } from './memory-limit.ts';
import type { Queue } from './queue.ts';
import type { ServeRequest } from './request.ts';

export interface HealthParts {
  config: Config;
  systemd: Systemd;
  queue: Queue;
  faults: Faults;
  disks: Disks;
  /** where the queue is kept */
  directory: string;
  memoryLimitBytes: MemoryLimit;
  /** what keeps runs from being started; null: nothing */
  startProblem: () => string | null;
  /** what the receiver cannot take over of the files that it goes by */
  groundProblems: readonly string[];
}

/** However often it is asked, it looks no oftener than this. */
const freshMs = 2_000;
const askMs = 3_000;
const diskBounds = { what: 'the disk did not answer', timeoutMs: askMs };
/** From this share of its limit on the receiver is about to be killed. */
const nearly = 0.9;

export type Health = Awaited<ReturnType<typeof tell>>;
type Seen = Awaited<ReturnType<typeof look>>;

/** How the receiver is, as `GET /health` tells it. Asked by many at once it looks at disks, records and systemd once. */
export function healthOf(parts: HealthParts): () => Promise<Health> {
  let seen: { atMs: number; found: Promise<Seen> } | null = null;
  return () => {
    if (!seen || performance.now() - seen.atMs > freshMs) seen = { atMs: performance.now(), found: look(parts) };
    return tell(seen.found, parts);
  };
}

/** The same for who is not on this machine: whoever knows the name of a request may ask what became of it. */
export function withoutNames({ queue, running, ...health }: Health) {
  const nameless = (all: Health['queue']) => all.map(({ target, state, queued_at }) => ({ target, state, queued_at }));
  return { ...health, queue: nameless(queue), running: nameless(running) };
}

async function look(parts: HealthParts) {
  const [problems, disk, lastRuns] = await Promise.all([problemsElsewhere(parts), diskOf(parts), runsOf(parts)]);
  return { problems, disk, lastRuns };
}

async function tell(looking: Promise<Seen>, parts: HealthParts) {
  const { problems: elsewhere, disk, lastRuns } = await looking;
  const problems = [...elsewhere, ...ownProblems(parts), ...pushProblems(parts, lastRuns)];
  const open = parts.queue.open();
  const told = (state: ServeRequest['state']) =>
    open.filter((one) => one.state === state).map(({ id, target, queued_at }) => ({ id, target, state, queued_at }));
  return {
    status: problems.length === 0 ? ('ok' as const) : ('degraded' as const),
    problems,
    version,
    uptime_ms: Math.round(process.uptime() * 1000),
    memory_bytes: process.memoryUsage.rss(),
    memory_limit_bytes: parts.memoryLimitBytes(),
    disk,
    last_run: lastOf(lastRuns),
    queue: told('queued'),
    running: told('running'),
  };
}

async function problemsElsewhere(parts: HealthParts): Promise<string[]> {
  const found = await Promise.all([writeProblem(parts), diskProblem(parts), systemdProblem(parts)]);
  return found.filter((one) => one !== null);
}

/** What is known without asking anybody. */
function ownProblems({ queue, faults, memoryLimitBytes, startProblem, groundProblems }: HealthParts): string[] {
  const rss = process.memoryUsage.rss();
  const limit = memoryLimitBytes();
  const isNear = limit !== null && rss > limit * nearly;
  const memory = isNear ? `the receiver uses ${rss} bytes of memory, of ${limit}` : null;
  return [...groundProblems, memory, queue.problem(), startProblem(), faults.problem()].filter((one) => one !== null);
}

/** Written where the next request is, and in the same way; it is not to take the room of one. */
async function writeProblem({ directory, disks }: HealthParts): Promise<string | null> {
  const probe = join(directory, 'writable');
  const write = async (): Promise<void> => {
    await disks.verifyAnswer(directory);
    await makePrivateDirectory(directory);
    await writeDurably(probe, `${new Date().toISOString()}\n`);
    await rm(probe, { force: true });
  };
  return withDeadline(diskBounds, write).then(
    () => null,
    (error: unknown) => `requests cannot be kept: ${messageOf(error)}`,
  );
}

/** A disk that is fuller than a target allows has that target's deploys refused, and of one that hangs nothing is known. */
async function diskProblem({ config, disks }: HealthParts): Promise<string | null> {
  const asked = Object.values(config.targets).flatMap(({ name, builds, limits }) =>
    [builds, config.state].map(async (path) => {
      const hangs = await disks.verifyAnswer(path).then(() => null, messageOf);
      if (hangs !== null) return `how ${name} is cannot be known: ${hangs}`;
      const answer = await withDeadline(diskBounds, () => askDisk([path], limits.diskUsed)).catch(() => null);
      if (answer?.status !== 'fail') return null;
      return `the disk is nearly full: ${answer.observed}, and ${name} wants ${answer.expected}`;
    }),
  );
  return (await Promise.all(asked)).find((one) => one !== null) ?? null;
}

async function systemdProblem({ systemd }: HealthParts): Promise<string | null> {
  const bounds = { what: 'systemd did not answer', timeoutMs: askMs };
  return withDeadline(bounds, () => systemd.loadedUnits('cutover-request@*')).then(
    () => null,
    (error: unknown) => `systemd cannot be reached: ${messageOf(error)}`,
  );
}

async function diskOf({ directory: path, disks }: HealthParts) {
  const ask = (): Promise<StatsFs> => disks.verifyAnswer(path).then(() => statfs(path));
  const space = await withDeadline(diskBounds, ask).catch(() => null);
  if (!space) return { path, used_percent: null, available_bytes: null };
  const used_percent = Math.round(usedPercent(space) * 10) / 10;
  return { path, used_percent, available_bytes: space.bavail * space.bsize };
}

/** Of each target the last run. */
async function runsOf({ config, disks }: HealthParts): Promise<RunDocument[]> {
  const found = Object.values(config.targets).map(async (target) => {
    const paths = pathsOf(config, target);
    await disks.verifyAnswer(paths.directory);
    return history(paths, 1);
  });
  const known = await Promise.allSettled(found);
  return known.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
}

/** Of all targets the run that began last, no more of it than anybody may know. */
function lastOf(runs: readonly RunDocument[]) {
  const last = runs.toSorted((a, b) => b.started_at.localeCompare(a.started_at))[0];
  if (!last) return null;
  const { run, kind, target, outcome, started_at, duration_ms } = last;
  return { run, kind, target, outcome, started_at, duration_ms };
}

/** What was accepted and never done. */
function pushProblems({ queue, config }: HealthParts, lastRuns: readonly RunDocument[]): string[] {
  const said = queue.nothings().map((request) => {
    const lastRunAt = lastRuns.find(({ target }) => target === request.target)?.started_at ?? null;
    return nothingProblem(request, { lastRunAt, nowMs: Date.now(), config: config.file });
  });
  return said.filter((one) => one !== null);
}
