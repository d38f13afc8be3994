// needs: sandbox
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import type { Site } from '../deploy/site.ts';
import { endedBy } from './death.ts';
import { linesOf } from './moments.ts';
import type { ProcessRecord } from './orders.ts';
import { killSettles } from './rounds.ts';
import { crashSite } from './site.ts';
import { sweep } from './sweep.ts';

const test = suite('crash/settle', { timeoutMs: 240_000 });

/** The candidate has been started by then: all that a deploy can change is changed. */
const atWorst = 'sent StartUnit:1';

test('S8: the settle that systemd runs is killed at every moment', async (t) => {
  const first = await crashSite(t);
  await sweep(await momentsOfSettle(first), { first, another: () => crashSite(t) }, async (site, moment) => {
    return (await killSettles(site, atWorst, [moment])) === 1;
  });
});

test('S8: one settle after the other is killed, each a line further than the one before', async (t) => {
  const site = await crashSite(t);
  const lines = linesOf(await momentsOfSettle(site));
  const ladder = lines.map(({ moment }) => moment);
  const killed = await killSettles(site, atWorst, ladder);
  // What was taken back need not be taken back again, so the last ones have less to write.
  assert.ok(killed >= 5, `only ${killed} were killed`);
});

test('S8: twelve settles in a row are killed at once, and systemd goes on', async (t) => {
  const site = await crashSite(t);
  const orders = Array.from({ length: 12 }, () => 'line 1');
  assert.is(await killSettles(site, atWorst, orders), 12);
});

async function momentsOfSettle(site: Site): Promise<ProcessRecord['passed']> {
  await site.add();
  const { settles } = await endedBy(site, 'deploy', { deploy: [atWorst] });
  return settles[0]?.passed ?? [];
}
