import { readFile } from 'node:fs/promises';
import { environmentOf } from '../base/environment.ts';
import type { Command } from '../base/exec.ts';
import { openController, withDeadline } from '../base/wait.ts';
import type { Config } from '../config/model.ts';
import { defaultListen } from '../config/values/port.ts';
import { pathsOf } from '../deployer/place.ts';
import { metricsText } from '../deployer/metrics.ts';
import { unitIn } from '../systemd/processes.ts';
import type { Systemd } from '../systemd/systemd.ts';
import { openPage } from './page.ts';
import { refuse } from './serve/answers.ts';
import { tellNothing } from './serve/came-to-nothing.ts';
import { noteFaults, surviveFaults } from './serve/faults.ts';
import { healthOf } from './serve/health.ts';
import { addHooks } from './serve/hooks.ts';
import { launcher } from './serve/launch.ts';
import { listen } from './serve/listen.ts';
import type { ServeLog } from './serve/log.ts';
import { receiverMetrics } from './serve/metrics.ts';
import { openQueue, type Queue } from './serve/queue.ts';
import { queueDirectory, type ServeRequest } from './serve/request.ts';
import { frame, type Routes } from './serve/routes.ts';
import { openRequests, tellRun } from './serve/runs.ts';
import { readWebhookSecret } from './serve/secret.ts';
import { openStore } from './serve/store.ts';

/** What the receiver needs from outside. */
export interface ServeParts {
  config: Config;
  env: NodeJS.ProcessEnv;
  systemd: Systemd;
  log: ServeLog;
  /** carries out a request whose name is added at the end */
  request: Command;
}

/** A receiver at work. */
export interface Receiver {
  where: string;
  port: number | null;
  /** Takes nothing new in, ends what is being answered, and leaves what runs to itself and what waits on the disk. */
  end(): Promise<void>;
}

/** An answer that is under way has this long once the receiver is to end. */
const lastAnswersMs = 7_000;
const healthEveryMs = 5 * 60_000;
/** Hooks find their programs, and programs their home and the state, where the receiver's are. */
const requestVariables = ['HOME', 'PATH', 'XDG_RUNTIME_DIR', 'XDG_STATE_HOME'];

/**
 * Opens the webhook receiver (W1), on the socket that systemd passed or at `[serve].listen`.
 * @throws `config` when its secret or its address cannot be used; `permission`, `disk` when its queue cannot
 */
export async function serve(parts: ServeParts): Promise<Receiver> {
  const { config, env, log } = parts;
  const ended = openController();
  const looking = openController();
  const { app, queue, health, faults } = await assemble(parts, { signal: ended.signal, looking: looking.signal });
  const listening = await listen(app, { address: config.serve?.listen ?? defaultListen, env });
  // Two receivers cannot listen in one place: only who does may touch what is kept.
  queue.begin();
  const forget = surviveFaults(faults, process);
  const tell = (): void => void tellHealth(health, log);
  tell();
  const timer = setInterval(tell, healthEveryMs);
  return {
    where: listening.where,
    port: listening.port,
    async end() {
      clearInterval(timer);
      // Whoever looks at the page would hold it up.
      looking.abort();
      await listening.close(lastAnswersMs);
      ended.abort(new Error('the receiver ends'));
      await queue.ended();
      forget();
    },
  };
}

async function assemble(parts: ServeParts, { signal, looking }: { signal: AbortSignal; looking: AbortSignal }) {
  const { config, env, systemd, log, request } = parts;
  const secret = await readWebhookSecret(config.serve?.secretFile ?? null, env);
  const faults = noteFaults(log);
  const directory = queueDirectory(config, env);
  const starting = startNotes(log);
  const environment = environmentOf(env, requestVariables);
  const launch = launcher({ config, systemd, signal, command: request, environment, onProblem: starting.note });
  const onNothing = (asked: ServeRequest): void => void tellNothing(asked, { config, env, log, signal });
  const queue = openQueue({ store: await openStore(directory), launch, signal, tell: log.tell, onNothing });
  const memoryLimitBytes = await memoryLimit(systemd);
  const startProblem = starting.problem;
  const health = healthOf({ config, systemd, queue, faults, directory, memoryLimitBytes, startProblem });
  const page = await openPage({ config, env, systemd, requests: openRequests(config, queue), signal: looking });
  const app = frame({ log, faults });
  addHooks(app, { config, secret, queue, nowMs: Date.now });
  for (const path of ['/runs/*', '/metrics']) app.use(path, page.guard);
  addReading(app, { ...parts, queue, health, signal });
  app.route('/', page.routes);
  return { app, queue, health, faults };
}

/** What keeps runs from being started, told once. */
function startNotes(log: ServeLog): { note: (problem: string | null) => void; problem: () => string | null } {
  let last: string | null = null;
  return {
    note(problem) {
      if (problem !== null && problem !== last) log.tell(3, problem);
      last = problem;
    },
    problem: () => last,
  };
}

type Health = ReturnType<typeof healthOf>;

function addReading(
  app: Routes,
  { config, systemd, log, queue, health, signal }: ServeParts & { queue: Queue; health: Health; signal: AbortSignal },
): void {
  app.get('/health', async (c) => {
    const found = await health();
    return c.json(found, found.status === 'ok' ? 200 : 503, { 'Cache-Control': 'no-store' });
  });
  app.get('/runs/:id', async (c) => {
    const found = await tellRun(c.req.param('id'), { config, queue });
    if (found) return c.json(found, 200, { 'Cache-Control': 'no-store' });
    return refuse(c, 404, { code: 'unknown_run', message: 'there is no request or run of that name' });
  });
  app.get('/metrics', async (c) => {
    const places = Object.values(config.targets).map((target) => ({
      config,
      target,
      paths: pathsOf(config, target),
      systemd,
      signal,
    }));
    const text = `${await metricsText(places)}${receiverMetrics(log, queue)}`;
    return c.text(text, 200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' });
  });
}

/** W1: every five minutes the journal has a line that says how the receiver is. */
async function tellHealth(health: Health, log: ServeLog): Promise<void> {
  const { status, problems, memory_bytes, disk, queue, running } = await health();
  const figures = `${Math.round(memory_bytes / 1024 / 1024)} MiB, disk ${disk.used_percent} % used, ${queue.length} queued, ${running.length} running`;
  log.tell(
    status === 'ok' ? 6 : 4,
    `health: ${status}, ${figures}${problems.map((problem) => `; ${problem}`).join('')}`,
  );
}

/** `MemoryMax=` of the unit that the receiver is in; null: it is in none, or it has no limit. */
async function memoryLimit(systemd: Systemd): Promise<number | null> {
  const unit = unitIn(await readFile('/proc/self/cgroup', 'utf8').catch(() => ''));
  if (unit === null || !unit.endsWith('.service')) return null;
  const bounds = { what: 'systemd did not answer', timeoutMs: 3_000 };
  const ask = (): Promise<unknown> => systemd.property(unit, 'Service', 'MemoryMax');
  const limit = await withDeadline(bounds, ask).catch(() => null);
  const bytes = Number(limit ?? Number.POSITIVE_INFINITY);
  return bytes < Number.MAX_SAFE_INTEGER ? bytes : null;
}
