// needs: sandbox
import * as assert from 'uvu/assert';
import { held } from '../deploy/running.ts';
import { makeOverlapSite, makeSocketSite } from '../deploy/socket-site.ts';
import { suite } from '../suite.ts';
import { assertServes, untilEnded } from './ended.ts';
import { everyKind, randomKills } from './random-kills.ts';
import { crashSite, type MakeSite } from './site.ts';
import { together } from './together.ts';

/** CRASH_SEED repeats a run; without it each run is another one. */
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);
const count = Number(process.env.CRASH_COUNT ?? 16);
const test = suite('crash/socket, random', { timeoutMs: 60_000 + count * 5_000 });
const makers: [string, MakeSite][] = [
  ['socket', makeSocketSite],
  ['overlap', makeOverlapSite],
];

test(`S4, S8: deployers behind sockets are killed at ${count} random moments (seed ${seed})`, async (t) => {
  const sites = [];
  for (const [, make] of makers) sites.push(await crashSite(t, everyKind, make));
  const results = await Promise.all(sites.map((site, lane) => randomKills(site, seed + lane, Math.ceil(count / 2))));
  const rounds = results.flatMap((result) => result.rounds);
  const problems = rounds.filter(({ problem }) => problem !== null);
  for (const { did, ended, problem } of problems) console.log(`${did}\n  ${ended}: ${problem}`);
  const longestMs = Math.max(...results.map((result) => result.longestMs));
  console.log(`seed ${seed}: ${rounds.length} rounds; the longest time until healthy again: ${longestMs} ms`);
  assert.is(problems.length, 0, problems.map(({ did }) => did).join('\n'));
  assert.ok(
    rounds.some(({ ended }) => ended === 'SIGKILL'),
    'nobody was killed',
  );
});

for (const [strategy, make] of makers) {
  test(`two deployers at once: one works, the other is told who it is (${strategy})`, async (t) => {
    const site = await crashSite(t, { tables: held.tables }, make);
    const to = await site.add({ mode: 'held' });
    const calls = await together(site, [site.call('deploy'), site.call('deploy')]);
    const codes = calls.map(({ code }) => code).toSorted((one, other) => Number(one) - Number(other));
    assert.equal(codes, [0, 75]);
    await untilEnded(site);
    await assertServes(site, to);
  });
}
