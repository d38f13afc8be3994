// needs: sandbox
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import type { Site } from '../deploy/site.ts';
import { currentLink } from '../deploy/sound.ts';
import { assertKilled, endedBy, endOfNewestRun } from './death.ts';
import { assertServes } from './ended.ts';
import { linesOf } from './moments.ts';
import type { ProcessRecord } from './orders.ts';
import { crashSite } from './site.ts';
import { sweep } from './sweep.ts';
import { tellingOf, truthOf } from './truth.ts';

const test = suite('crash/settle', { timeoutMs: 240_000 });

/** The candidate has been started by then: all that a deploy can change is changed. */
const atWorst = 'sent StartUnit:1';

test('S8: the settle that systemd runs is killed at every moment', async (t) => {
  const first = await crashSite(t);
  await sweep(await momentsOfSettle(first), { first, another: () => crashSite(t) }, async (site, moment) =>
    assert.is(await killAll(site, [moment]), 1),
  );
});

test('S8: one settle after the other is killed, each a line further than the one before', async (t) => {
  const site = await crashSite(t);
  const lines = linesOf(await momentsOfSettle(site));
  const ladder = lines.map(({ moment }) => moment);
  const killed = await killAll(site, ladder);
  // What was taken back need not be taken back again, so the last ones have less to write.
  assert.ok(killed >= 5, `only ${killed} were killed`);
});

test('S8: twelve settles in a row are killed at once, and systemd goes on', async (t) => {
  const site = await crashSite(t);
  const orders = Array.from({ length: 12 }, () => 'line 1');
  assert.is(await killAll(site, orders), 12);
});

async function momentsOfSettle(site: Site): Promise<ProcessRecord['passed']> {
  await site.add();
  const { settles } = await endedBy(site, 'deploy', { deploy: [atWorst] });
  return settles[0]?.passed ?? [];
}

/**
 * The deploy dies, and so do the settles after it as told; the one that lives brings the old build back.
 * @returns how many settles were killed
 */
async function killAll(site: Site, settle: string[]): Promise<number> {
  const from = (await currentLink(site)) ?? '';
  await site.add();
  const death = await endedBy(site, 'deploy', { deploy: [atWorst], settle });
  assertKilled(death);
  const { ledger, settles } = death;
  const strikes = settles.map(({ passed }) => passed.find((one) => one.signal === 'SIGKILL')?.moment);
  assert.equal(strikes, [...settle.slice(0, strikes.length - 1), undefined], 'what became of the settles');
  await assertServes(site, from);
  assert.equal(tellingOf(await endOfNewestRun(site)), truthOf(ledger ?? [], from));
  return strikes.length - 1;
}
