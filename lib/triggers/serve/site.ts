import { openController } from '../../base/wait.ts';
import type { Config } from '../../config/model.ts';
import { pathsOf } from '../../deployer/place.ts';
import { metricsText } from '../../deployer/metrics.ts';
import type { Systemd } from '../../systemd/systemd.ts';
import { openPage } from '../page.ts';
import { isNear } from '../page/near.ts';
import type { Ground, Grounds } from './ground.ts';
import { type Health, healthOf, type HealthParts, withoutNames } from './health.ts';
import { addHooks } from './hooks.ts';
import type { ServeLog } from './log.ts';
import { receiverMetrics } from './metrics.ts';
import type { Queue } from './queue.ts';
import { frame, type Routes } from './routes.ts';
import { addRuns, openRequests } from './runs.ts';

/** What stays the same whatever the configuration says. */
export interface SiteParts extends Omit<HealthParts, 'config' | 'groundProblems'> {
  env: NodeJS.ProcessEnv;
  systemd: Systemd;
  queue: Queue;
  log: ServeLog;
  /** aborted when the receiver ends */
  signal: AbortSignal;
}

/** All that is answered, as the files say that the receiver goes by. */
export interface Site {
  app: Routes;
  health: () => Promise<Health>;
  /** Lets go of whoever looks at the page. */
  end: () => void;
}

/** @returns the site as the files are now: another one as soon as one of them was changed */
export function siteFollowing(grounds: Grounds, parts: SiteParts): { now: () => Promise<Site>; end: () => void } {
  let made: { ground: Ground; site: Promise<Site> } | null = null;
  const end = (): void => void made?.site.then((site) => site.end());
  return {
    end,
    async now() {
      const ground = await grounds.now();
      if (made?.ground !== ground) {
        end();
        made = { ground, site: siteOn(ground, parts) };
      }
      return made.site;
    },
  };
}

async function siteOn({ config, secret, token, problems }: Ground, parts: SiteParts): Promise<Site> {
  const { env, systemd, queue, log, faults, disks } = parts;
  const looking = openController();
  const health = healthOf({ ...parts, config, groundProblems: problems });
  const requests = openRequests(config, queue);
  const page = await openPage({ config, token, env, systemd, requests, disks, signal: looking.signal });
  const app = frame({ log, faults });
  addHooks(app, { config, secret, queue, nowMs: Date.now });
  app.use('/metrics', page.guard);
  app.use('/runs/*', page.runGuard);
  addHealth(app, health);
  addRuns(app, { config, queue, disks });
  addMetrics(app, config, parts);
  app.route('/', page.routes);
  return { app, health, end: () => looking.abort() };
}

function addHealth(app: Routes, health: Site['health']): void {
  app.get('/health', async (c) => {
    const found = await health();
    const told = isNear(c) ? found : withoutNames(found);
    return c.json(told, found.status === 'ok' ? 200 : 503, { 'Cache-Control': 'no-store' });
  });
}

function addMetrics(app: Routes, config: Config, { systemd, log, queue, disks, signal }: SiteParts): void {
  app.get('/metrics', async (c) => {
    const places = Object.values(config.targets).map((target) => ({
      config,
      target,
      paths: pathsOf(config, target),
      systemd,
      signal,
      verifyAnswer: disks.verifyAnswer,
    }));
    const text = `${await metricsText(places)}${receiverMetrics(log, queue)}`;
    return c.text(text, 200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' });
  });
}
