// needs: sandbox
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import type { Site } from '../deploy/site.ts';
import { makeSocketSite } from '../deploy/socket-site.ts';
import { currentLink } from '../deploy/sound.ts';
import { endedBy, endOfNewestRun, hasDied, momentsOf } from './death.ts';
import { assertServes } from './ended.ts';
import { crashSite } from './site.ts';
import { sweep } from './sweep.ts';

const test = suite('crash/recover', { timeoutMs: 240_000 });

/** A recovery of a service that is down dies: once its first step was begun, systemd brings the service back without anybody. */
async function killRecovery(site: Site, moment: string): Promise<boolean> {
  const build = (await currentLink(site)) ?? '';
  await takeDown(site);
  const death = await endedBy(site, 'recover-one', { 'recover-one': [moment] });
  const isKilled = hasDied(death);
  const isBegun = death.ledger?.some((line) => line.type === 'step' && line.state === 'intended') ?? false;
  // Nothing was done by then, and the next one does it all.
  if (!isBegun) assert.is((await endedBy(site, 'recover-one', {})).code, 0);
  await assertServes(site, build);
  const { kind, outcome, active } = await endOfNewestRun(site);
  assert.equal([kind, outcome, active], ['recovery', 'deployed', build]);
  return isKilled;
}

async function takeDown({ sandbox, unit, socket }: Site): Promise<void> {
  await sandbox.run('systemctl', 'stop', ...(socket === undefined ? [] : [socket]), unit);
}

test('R1: a recovery is killed at every moment', async (t) => {
  const site = await crashSite(t);
  await takeDown(site);
  await sweep(await momentsOf(site, 'recover-one'), { first: site, another: () => crashSite(t) }, killRecovery);
});

test('R1: one behind a socket that was closed is killed at every moment', async (t) => {
  const another = (): Promise<Site> => crashSite(t, {}, makeSocketSite);
  const site = await another();
  await takeDown(site);
  await sweep(await momentsOf(site, 'recover-one'), { first: site, another }, killRecovery);
});
