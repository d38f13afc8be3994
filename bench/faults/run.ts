/** `npm run bench:faults`: does to the deployer what may happen to it, and writes `bench/faults.md`. `FAULTS_COUNT=20` for a look. */
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { suite, type TestContext } from '../../test/suite.ts';
import { crowds, fullDisks } from './disk.ts';
import { killsAtEveryMoment, killsAtRandom } from './kills.ts';
import { busFaults, powerCuts } from './machine.ts';
import { faultsText, type Row } from './rows.ts';

const page = join(dirname(dirname(fileURLToPath(import.meta.url))), 'faults.md');
const seed = Number(process.env.FAULTS_SEED ?? Date.now() % 1_000_000);
const count = Number(process.env.FAULTS_COUNT ?? 240);
const measure = suite('faults', { timeoutMs: 30 * 60_000 });
const rows: Row[] = [];

const faults: Record<string, (t: TestContext) => Promise<Row[]>> = {
  'kills at every moment': killsAtEveryMoment,
  'kills at random': (t) => killsAtRandom(t, seed, count),
  'the bus and systemd': busFaults,
  'full disks': fullDisks,
  crowds,
  // Last: it takes the machine down.
  'power cuts': powerCuts,
};

for (const [name, play] of Object.entries(faults)) {
  measure(name, async (t) => {
    const found = await play(t);
    rows.push(...found);
    for (const { fault, times, survived, longestMs } of found) {
      console.log(`${survived} of ${times}, ${longestMs === null ? '-' : Math.round(longestMs)} ms: ${fault}`);
    }
  });
}

measure('the page', async () => {
  await writeFile(page, faultsText(rows, seed));
  const lost = rows.flatMap(({ problems }) => problems);
  assert.equal(lost, [], 'not all was survived');
});
