import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { TestContext } from '../suite.ts';
import { type Site, until } from './site.ts';

const program = fileURLToPath(new URL('load.mjs', import.meta.url));
const rate = 100;

export interface LoadReport {
  sent: number;
  failed: string[];
  /** when each of those was asked, in milliseconds of the monotonic clock */
  failedAt: number[];
  longestMs: number;
}

/** Sends requests to a site without pause, from inside, until it is told to end. */
export async function startLoad(
  t: TestContext,
  { sandbox, port }: Pick<Site, 'sandbox' | 'port'>,
): Promise<{ end(): Promise<LoadReport> }> {
  const child = await sandbox.spawn([process.execPath, program, String(port), String(rate)]);
  t.cleanup(() => child.kill('SIGKILL'));
  child.stderr.resume();
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  const isSaid = once(child.stdout, 'end');
  await until('it asks', async () => said.includes('ready'));
  return {
    async end() {
      await sleep(200);
      child.kill('SIGTERM');
      await isSaid;
      return JSON.parse(said.trimEnd().split('\n').at(-1) ?? '') as LoadReport;
    },
  };
}
