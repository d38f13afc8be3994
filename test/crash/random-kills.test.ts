// needs: sandbox
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { everyKind, randomKills } from './random-kills.ts';
import { crashSite } from './site.ts';

/** CRASH_SEED repeats a run; without it each run is another one. */
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);
const count = Number(process.env.CRASH_COUNT ?? 25);
const test = suite('crash/random', { timeoutMs: 60_000 + count * 5_000 });

test(`S4, S8: deployers are killed at ${count} random moments (seed ${seed})`, async (t) => {
  const sites = [await crashSite(t, everyKind), await crashSite(t, everyKind)];
  const half = Math.ceil(count / 2);
  const results = await Promise.all(
    sites.map((site, lane) => randomKills(site, seed + lane, lane === 0 ? half : count - half)),
  );
  const rounds = results.flatMap((result) => result.rounds);
  const longestMs = Math.max(...results.map((result) => result.longestMs));
  const problems = rounds.filter(({ problem }) => problem !== null);
  for (const { did, ended, untilHealthyMs, problem } of problems)
    console.log(`${did}\n  ${ended}, ${untilHealthyMs} ms: ${problem}`);
  const killed = rounds.filter(({ ended }) => ended === 'SIGKILL').length;
  console.log(
    `seed ${seed}: ${killed} of ${count} died by SIGKILL; the longest time until healthy again: ${longestMs} ms`,
  );
  assert.is(problems.length, 0, problems.map(({ did }) => did).join('\n'));
  assert.ok(killed > 0, 'none was killed');
});
