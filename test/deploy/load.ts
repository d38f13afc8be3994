import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { TestContext } from '../suite.ts';
import type { Site } from './site.ts';

const program = fileURLToPath(new URL('load.mjs', import.meta.url));
const rate = 100;

export interface LoadReport {
  sent: number;
  failed: string[];
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
  const said = text(child.stdout);
  await sleep(200);
  return {
    async end() {
      await sleep(200);
      child.kill('SIGTERM');
      return JSON.parse(await said) as LoadReport;
    },
  };
}
