import * as assert from 'uvu/assert';
import { isBuildsFault } from '../../lib/run/build-verdicts.ts';
import { readQuarantine } from '../../lib/run/quarantine.ts';
import { statePathsIn } from '../../lib/run/state.ts';
import { breakInService, type Site } from '../deploy/site.ts';
import { currentLink } from '../deploy/sound.ts';
import { assertKilled, endedBy, endOfNewestRun, hasDied } from './death.ts';
import { assertServes } from './ended.ts';
import type { Kind } from './kinds.ts';
import { deployNext } from './next.ts';
import { outcomeOf, tellingOf, truthOf } from './truth.ts';

/**
 * The deploy of a good build dies; the way it ends is the ledger's.
 * @returns the build that serves then, and whether it died: only a slow run may have that moment
 */
export async function killDeploy(site: Site, moment: string): Promise<{ serves: string; isKilled: boolean }> {
  const from = (await currentLink(site)) ?? '';
  const to = await site.add();
  const death = await endedBy(site, 'deploy', { deploy: [moment] });
  const isKilled = hasDied(death);
  const { ledger } = death;
  const serves = outcomeOf(ledger) === null ? from : to;
  await assertServes(site, serves);
  if (ledger) assert.equal(tellingOf(await endOfNewestRun(site)), truthOf(ledger, from));
  return { serves, isKilled };
}

/**
 * Whenever the deployer of a bad build dies, the proven one serves; and what was seen of the bad one is not forgotten.
 * @returns whether it died: a run may be over before that moment, and one of a kind that varies often is
 */
export async function killBadDeploy(site: Site, moment: string, kind: Kind): Promise<boolean> {
  const from = (await currentLink(site)) ?? '';
  const to = await addBad(site, kind);
  const death = await endedBy(site, 'deploy', { deploy: [moment] });
  const isKilled = hasDied(death, 4);
  const { ledger } = death;
  await assertServes(site, from);
  if (!isKilled || !ledger) return isKilled;
  const { failure, ...document } = await endOfNewestRun(site);
  const quarantine = await readQuarantine(statePathsIn(site.sandbox.hostPath(site.state)));
  assert.is(to in quarantine, failure !== null && isBuildsFault(failure), `quarantined for ${failure?.reason}`);
  assert.equal(tellingOf({ ...document, failure }), truthOf(ledger, from));
  return true;
}

/** Adds a build of that kind. */
export function addBad(site: Site, { behaviour, add }: Kind): Promise<string> {
  return add ? add(site) : site.add(behaviour);
}

/**
 * A rollback from a healthy build dies: that one serves, unless the rollback had written that it was over.
 * @returns whether it died
 */
export async function killRollback(site: Site, moment: string): Promise<boolean> {
  const { from, to } = await deployNext(site);
  const death = await endedBy(site, 'rollback', { rollback: [moment] });
  const isKilled = hasDied(death);
  const { ledger } = death;
  await assertServes(site, outcomeOf(ledger) === null ? to : from);
  if (ledger) assert.equal(tellingOf(await endOfNewestRun(site)), truthOf(ledger, to));
  return isKilled;
}

/**
 * A rollback from a build that crashes in service dies by that signal: the build before comes up without anybody.
 * @returns whether it had the signal
 */
export async function killWayOut(site: Site, moment: string, signal: 'SIGKILL' | 'SIGTERM'): Promise<boolean> {
  const { from, to } = await deployNext(site);
  await breakInService(site, to);
  const death = await endedBy(site, 'rollback', { rollback: [`${moment} ${signal}`] });
  const isSent = death.own.passed.some((one) => one.signal === signal);
  if (isSent && signal === 'SIGKILL') assertKilled(death);
  else assert.is(death.code, 0, death.said);
  await assertServes(site, from);
  assert.is((await endOfNewestRun(site)).active, from);
  return isSent;
}

/**
 * The deploy dies, and so do the settles after it as told; the one that lives brings the old build back.
 * @returns how many settles were killed
 */
export async function killSettles(site: Site, deploy: string, settle: string[]): Promise<number> {
  const from = (await currentLink(site)) ?? '';
  await site.add();
  const death = await endedBy(site, 'deploy', { deploy: [deploy], settle });
  assertKilled(death);
  const { ledger, settles } = death;
  const strikes = settles.map(({ passed }) => passed.find((one) => one.signal === 'SIGKILL')?.moment);
  assert.equal(strikes, [...settle.slice(0, strikes.length - 1), undefined], 'what became of the settles');
  await assertServes(site, from);
  assert.equal(tellingOf(await endOfNewestRun(site)), truthOf(ledger ?? [], from));
  return strikes.length - 1;
}
