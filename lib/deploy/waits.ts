import { openController, sleep } from '../base/wait.ts';
import { probe } from '../checks/probe.ts';
import type { HealthConfig } from '../config/model.ts';

/** Measures how long somebody who asks has to wait at most, where the port is never closed. */
export interface WaitMeter {
  /** Ends the measuring. @returns milliseconds; null where there is no address to ask */
  stop(): Promise<number | null>;
}

/** Often enough to see a wait of that length, seldom enough to be no load. */
const askEveryMs = 20;

/** Asks the first health address again and again, each time by a new connection, whatever it answers. */
function waitMeter(health: HealthConfig): WaitMeter {
  const [url] = health.urls;
  if (url === undefined) return { stop: () => Promise.resolve(null) };
  const ended = openController();
  const measuring = measure(url, health, ended.signal);
  return {
    async stop() {
      ended.abort();
      return Math.round(await measuring);
    },
  };
}

/** The same, which begins when it is told to, once. */
export function startableWaitMeter(health: HealthConfig): WaitMeter & { start(): void } {
  let meter: WaitMeter | undefined;
  return {
    start: () => void (meter ??= waitMeter(health)),
    stop: async () => (meter ? meter.stop() : null),
  };
}

async function measure(url: string, health: HealthConfig, ended: AbortSignal): Promise<number> {
  let longest = 0;
  // Who asks may be more patient than a probe: until one is answered, they all waited since the first.
  let waitingSince: number | null = null;
  while (!ended.aborted) {
    waitingSince ??= performance.now();
    const result = await probe(url, health, ended).catch(() => null);
    longest = Math.max(longest, performance.now() - waitingSince);
    if (result !== null && !result.isSilent) waitingSince = null;
    await sleep(askEveryMs, ended).catch(() => {});
  }
  return longest;
}
