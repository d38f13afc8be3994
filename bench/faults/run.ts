/** `npm run bench:faults`: does to the deployer what may happen to it, and writes `bench/faults.md`. `FAULTS_COUNT=20 FAULTS_ONLY=socket` for a look. */
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { suite, type TestContext } from '../../test/suite.ts';
import { crowds, fullDisks } from './disk.ts';
import { killsAtEveryMoment, killsAtRandom, strategies, type Strategy } from './kills.ts';
import { busFaults, powerCuts } from './machine.ts';
import { faultsText, type Row } from './rows.ts';

const page = join(dirname(dirname(fileURLToPath(import.meta.url))), 'faults.md');
const seed = Number(process.env.FAULTS_SEED ?? Date.now() % 1_000_000);
const count = Number(process.env.FAULTS_COUNT ?? 240);
/** A look at a part: only the faults with this in their name, and the page stays as it is. */
const only = process.env.FAULTS_ONLY ?? '';
const measure = suite('faults', { timeoutMs: 30 * 60_000 });
const rows: Row[] = [];

const faults: Record<string, (t: TestContext) => Promise<Row[]>> = {
  ...Object.fromEntries(strategies.flatMap((strategy) => killsOf(strategy))),
  'the bus and systemd': busFaults,
  'full disks': fullDisks,
  crowds,
  // Last: it takes the machine down.
  'power cuts': powerCuts,
};

function killsOf(strategy: Strategy): [string, (t: TestContext) => Promise<Row[]>][] {
  const { name } = strategy;
  // The strategies behind a socket came later, and share most of the way back: a third of the rounds each.
  const rounds = name === 'restart' ? count : Math.ceil(count / 3);
  return [
    [`kills at every moment, ${name}`, (t) => killsAtEveryMoment(t, strategy)],
    [`kills at random, ${name}`, (t) => killsAtRandom(t, strategy, { seed, count: rounds })],
  ];
}

for (const [name, play] of Object.entries(faults).filter(([key]) => key.includes(only))) {
  measure(name, async (t) => {
    const found = await play(t);
    rows.push(...found);
    for (const { fault, times, survived, longestMs } of found) {
      console.log(`${survived} of ${times}, ${longestMs === null ? '-' : Math.round(longestMs)} ms: ${fault}`);
    }
  });
}

measure('the page', async () => {
  if (only === '') await writeFile(page, faultsText(rows, seed));
  const lost = rows.flatMap(({ problems }) => problems);
  assert.equal(lost, [], 'not all was survived');
});
