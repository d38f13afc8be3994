// needs: sandbox
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import type { Site } from '../deploy/site.ts';
import { currentLink } from '../deploy/sound.ts';
import { endedBy, newestRun } from './death.ts';
import { assertServes } from './ended.ts';
import type { ProcessRecord } from './orders.ts';
import { crashSite } from './site.ts';
import { sweep } from './sweep.ts';
import { tellingOf, truthOf } from './truth.ts';

const test = suite('crash/settle', { timeoutMs: 240_000 });

/** The candidate has been started by then: all that a deploy can change is changed. */
const atWorst = 'sent StartUnit:1';

test('S8: the settle that systemd runs is killed at every moment', async (t) => {
  const moments = await momentsOfSettle(await crashSite(t));
  await sweep(
    moments,
    () => crashSite(t),
    (site, moment) => killAll(site, [moment]),
  );
});

test('S8: one settle after the other is killed, each a line further than the one before', async (t) => {
  const site = await crashSite(t);
  const lines = (await momentsOfSettle(site)).filter(({ moment }) => moment.startsWith('line '));
  await killAll(
    site,
    lines.map(({ moment }) => moment),
  );
});

test('S8: twelve settles in a row are killed at once, and systemd goes on', async (t) => {
  const site = await crashSite(t);
  await killAll(
    site,
    Array.from({ length: 12 }, () => 'line 1'),
  );
});

async function momentsOfSettle(site: Site): Promise<ProcessRecord['passed']> {
  await site.add();
  const { settles } = await endedBy(site, 'deploy', { deploy: [atWorst] });
  return settles[0]?.passed ?? [];
}

/** The deploy dies, and so do the settles after it as told; the one that may live brings the old build back. */
async function killAll(site: Site, settle: string[]): Promise<void> {
  const from = (await currentLink(site)) ?? '';
  const to = await site.add();
  const { signal, ledger, settles } = await endedBy(site, 'deploy', { deploy: [atWorst], settle });
  assert.is(signal, 'SIGKILL');
  const strikes = settles.map(({ passed }) => passed.find((one) => one.signal === 'SIGKILL')?.moment);
  assert.equal(strikes, [...settle, undefined], 'what became of the settles');
  await assertServes(site, from);
  const told = tellingOf(await newestRun(site));
  const next = await site.call('deploy');
  assert.equal([next.code, next.document.outcome], [0, 'deployed'], next.stderr);
  await assertServes(site, to);
  assert.equal(told, truthOf(ledger ?? [], from));
}
