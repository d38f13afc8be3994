import * as assert from 'uvu/assert';
import { endedBy, momentsOf } from '../../test/crash/death.ts';
import { assertServes } from '../../test/crash/ended.ts';
import { fromStartOn } from '../../test/crash/moments.ts';
import { deployNext } from '../../test/crash/next.ts';
import { type Prober, startProber } from '../../test/crash/prober.ts';
import { everyKind, randomKills } from '../../test/crash/random-kills.ts';
import { crashSite, type MakeSite } from '../../test/crash/site.ts';
import { makeSite, type Site } from '../../test/deploy/site.ts';
import { makeOverlapSite, makeSocketSite } from '../../test/deploy/socket-site.ts';
import { currentLink } from '../../test/deploy/sound.ts';
import type { Behaviour } from '../../test/services/builds.ts';
import type { TestContext } from '../../test/suite.ts';
import { type Row, Tally } from './rows.ts';

/** How a site deploys. */
export interface Strategy {
  name: string;
  make: MakeSite;
  /** all that a deploy can change is changed by then: the link leads to the candidate, and nobody waits for systemd's answer */
  worst: string;
}

export const strategies: Strategy[] = [
  { name: 'restart', make: makeSite, worst: 'sent StartUnit:1' },
  { name: 'socket', make: makeSocketSite, worst: 'sent RestartUnit:1' },
  { name: 'overlap', make: makeOverlapSite, worst: 'sent RestartUnit:1' },
];

/** SIGKILL after every line of the ledger, before every change of a name and after every call to systemd. */
export async function killsAtEveryMoment(t: TestContext, { name, make, worst }: Strategy): Promise<Row[]> {
  const site = await crashSite(t, {}, make);
  const prober = await startProber(site);
  t.cleanup(() => prober.stop());
  await site.add();
  const deploys = new Tally(`${name}: deployer killed at every moment: a good build`);
  for (const { moment } of await momentsOf(site, 'deploy')) {
    await deploys.play(() => killDeploy(site, prober, { moment, behaviour: {} }));
  }
  const bad = new Tally(`${name}: deployer killed at every moment: a build that crashes`);
  const crashing: Behaviour = { mode: 'crash' };
  await site.add(crashing);
  for (const { moment } of fromStartOn(await momentsOf(site, 'deploy'))) {
    await bad.play(() => killDeploy(site, prober, { moment, behaviour: crashing }));
  }
  const settles = new Tally(`${name}: deployer killed, and the settle after it at every moment`);
  await site.add();
  const first = await endedBy(site, 'deploy', { deploy: [worst] });
  for (const { moment } of first.settles[0]?.passed ?? []) {
    await settles.play(() => killDeploy(site, prober, { moment: worst, behaviour: {}, settle: [moment] }));
  }
  return [deploys.row, bad.row, settles.row];
}

interface Death {
  moment: string;
  behaviour: Behaviour;
  settle?: string[];
}

async function killDeploy(site: Site, prober: Prober, { moment, behaviour, settle }: Death): Promise<number> {
  const from = (await currentLink(site)) ?? '';
  const to = await site.add(behaviour);
  const { signal, own } = await endedBy(site, 'deploy', settle ? { deploy: [moment], settle } : { deploy: [moment] });
  assert.is(signal, 'SIGKILL', 'it was not killed');
  const link = (await currentLink(site)) ?? '';
  const isGood = Object.keys(behaviour).length === 0;
  assert.ok(link === from || (isGood && link === to), `${moment}: ${link} was not proven`);
  const tookMs = await prober.untilServes(link, own.endedAt);
  await assertServes(site, link);
  return tookMs;
}

/** At random moments, gently, twice, with the service, with the settle: a row for each way. */
export async function killsAtRandom(
  t: TestContext,
  { name, make }: Strategy,
  { seed, count }: { seed: number; count: number },
): Promise<Row[]> {
  const site = await crashSite(t, everyKind, make);
  const { rounds } = await randomKills(site, seed, count);
  const tallies = new Map<string, Tally>();
  for (const { did, untilHealthyMs, problem } of rounds) {
    const way = /: (.*) after \d+ ms, \d+ ms apart/.exec(did)?.[1] ?? 'other';
    const tally =
      tallies.get(way) ?? new Tally(`${name}: at a random moment of a deploy or rollback of any build: ${way}`);
    tallies.set(way, tally);
    tally.add(untilHealthyMs, problem && `${did}: ${problem.split('\n')[0]}`);
  }
  await deployNext(site);
  return [...tallies.values()].map(({ row }) => row);
}
