import { readFile } from 'node:fs/promises';
import { environmentOf } from '../base/environment.ts';
import type { Command } from '../base/exec.ts';
import { openController } from '../base/wait.ts';
import type { Config } from '../config/model.ts';
import { defaultListen } from '../config/values/port.ts';
import { unitIn } from '../systemd/processes.ts';
import type { Systemd } from '../systemd/systemd.ts';
import { openDisks } from './page/disks.ts';
import { tellNothing } from './serve/came-to-nothing.ts';
import { noteFaults, surviveFaults } from './serve/faults.ts';
import { followGround } from './serve/ground.ts';
import { launcher } from './serve/launch.ts';
import { type Fetch, listen } from './serve/listen.ts';
import type { ServeLog } from './serve/log.ts';
import { memoryLimitOf } from './serve/memory-limit.ts';
import { openQueue } from './serve/queue.ts';
import { receiverStateVariable } from './serve/pushed.ts';
import { queueDirectory, type ServeRequest } from './serve/request.ts';
import { type Site, siteFollowing } from './serve/site.ts';
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
/** A file system that is slower does not answer. */
const diskMs = 3_000;
/** Hooks find their programs, and programs their home and the state, where the receiver's are. */
const requestVariables = ['HOME', 'PATH', 'XDG_RUNTIME_DIR', 'XDG_STATE_HOME'];

/**
 * Opens the webhook receiver (W1), on the socket that systemd passed or at `[serve].listen`. A change of the configuration, of
 * the secret and of the token is taken over with the next request.
 * @throws `config` when its secret or its address cannot be used; `permission`, `disk` when its queue cannot
 */
export async function serve(parts: ServeParts): Promise<Receiver> {
  const { config, env, log } = parts;
  const ended = openController();
  const { site, queue, faults } = await assemble(parts, ended.signal);
  const fetch: Fetch = async (request, bound) => (await site.now()).app.fetch(request, bound);
  const listening = await listen({ fetch }, { address: config.serve?.listen ?? defaultListen, env });
  // Two receivers cannot listen in one place: only who does may touch what is kept.
  queue.begin();
  const forget = surviveFaults(faults, process);
  const tell = (): void => void tellHealth(site.now, log);
  tell();
  const timer = setInterval(tell, healthEveryMs);
  return {
    where: listening.where,
    port: listening.port,
    async end() {
      clearInterval(timer);
      // Whoever looks at the page would hold it up.
      site.end();
      await listening.close(lastAnswersMs);
      ended.abort(new Error('the receiver ends'));
      await queue.ended();
      forget();
    },
  };
}

async function assemble(parts: ServeParts, signal: AbortSignal) {
  const { config, env, systemd, log, request } = parts;
  const grounds = await followGround(parts);
  const faults = noteFaults(log);
  const directory = queueDirectory(config, env);
  const starting = startNotes(log);
  const environment = {
    ...environmentOf(env, requestVariables),
    ...(env.STATE_DIRECTORY === undefined ? {} : { [receiverStateVariable]: env.STATE_DIRECTORY }),
  };
  const launch = launcher({ config, systemd, signal, command: request, environment, onProblem: starting.note });
  const onNothing = (asked: ServeRequest): void =>
    void tellNothing(asked, { config: grounds.latest().config, env, log, signal });
  const queue = openQueue({ store: await openStore(directory), launch, signal, tell: log.tell, onNothing });
  const memoryLimitBytes = memoryLimitOf(await ownUnit(), systemd);
  const known = { directory, memoryLimitBytes, startProblem: starting.problem };
  // One for all that is answered: what hangs keeps a single thread, however it is asked for.
  const disks = openDisks({ timeoutMs: diskMs, signal });
  const site = siteFollowing(grounds, { env, systemd, queue, log, faults, disks, signal, ...known });
  await site.now();
  return { site, queue, faults };
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

/** W1: every five minutes the journal has a line that says how the receiver is. */
async function tellHealth(site: () => Promise<Site>, log: ServeLog): Promise<void> {
  const { status, problems, memory_bytes, disk, queue, running } = await (await site()).health();
  const figures = `${Math.round(memory_bytes / 1024 / 1024)} MiB, disk ${disk.used_percent} % used, ${queue.length} queued, ${running.length} running`;
  log.tell(
    status === 'ok' ? 6 : 4,
    `health: ${status}, ${figures}${problems.map((problem) => `; ${problem}`).join('')}`,
  );
}

async function ownUnit(): Promise<string | null> {
  return unitIn(await readFile('/proc/self/cgroup', 'utf8').catch(() => ''));
}
