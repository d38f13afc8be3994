// needs: sandbox
// deadline: 8min
import * as assert from 'uvu/assert';
import { installBootUnit } from '../deploy/boot.ts';
import { buildId, makeSite, type Site } from '../deploy/site.ts';
import { suite, type TestContext } from '../suite.ts';
import { endOfNewestRun, momentsOf } from './death.ts';
import { assertServes, untilEnded } from './ended.ts';
import { aroundChanges, fromSwapOn, placeOf, untilOver, whileAsking } from './moments.ts';
import { deployNext } from './next.ts';
import type { ProcessRecord } from './orders.ts';
import { type Paused, pauseAt } from './paused.ts';
import { startReader } from './reader.ts';
import { collectProblems, requireCome } from './sweep.ts';

const test = suite('crash/power', { timeoutMs: 300_000 });
const [first, second] = [buildId(1), buildId(2)];

/** Who ends the run after the boot. */
interface Settler {
  /** before the power goes */
  prepare: (site: Site) => Promise<unknown>;
  /** after the boot */
  settle: (site: Site) => Promise<unknown>;
  /** the ones of all moments from the swap on */
  of: typeof whileAsking;
}

const settlers: Record<string, Settler> = {
  'the unit at boot': { prepare: installBootUnit, settle: async () => {}, of: aroundChanges },
  'somebody who types cutover settle': { prepare: enable, settle: settleByHand, of: whileUnfinished },
  'the next deploy': { prepare: enable, settle: deployByHand, of: whileUnfinished },
};

/** All machines come up at once, with a processor or two for them. */
const patience = { start: ['timeout = "60s"'] };

interface Case {
  name: string;
  site: Site;
  moment: string;
  settle: Settler['settle'];
  /** whether the run had written that it was over */
  isOver: boolean;
}

test('S8: the power goes from the swap to the end of a deploy: the machine serves a proven build', async (t) => {
  const dry = await makeSite(t, { builds: [{}, {}], tables: patience });
  const moments = fromSwapOn(await momentsOf(dry, 'deploy'));
  const over = placeOf(moments, /^outcome$/);
  const cases: Case[] = [];
  for (const [who, { prepare, settle, of }] of Object.entries(settlers)) {
    for (const { moment, what } of of(moments)) {
      const isOver = moments.findIndex((one) => one.moment === moment) >= over;
      cases.push({ name: `${who}, ${moment} ${what}`, site: await caseSite(t, prepare), moment, settle, isOver });
    }
  }
  const sites = cases.map(({ site }) => site) as [Site, ...Site[]];
  const stopReader = await startReader(...sites);
  const played = await pauseEach(cases);
  assert.ok((await stopReader()) > 0);
  await cutPower(
    dry,
    played.map(({ paused }) => paused),
  );
  const stopSecond = await startReader(...sites);
  await collectProblems(played, ({ name }) => name, endCase);
  assert.ok((await stopSecond()) > 0);
});

/** But for the few whose moment never came. */
async function pauseEach(cases: readonly Case[]): Promise<(Case & { paused: Paused })[]> {
  const played: (Case & { paused: Paused })[] = [];
  const missed = new Set<string>();
  for (const one of cases) {
    const paused = await pauseAt(one.site, 'deploy', one.moment, { mayMiss: true });
    if (paused.hasCome) played.push({ ...one, paused });
    else missed.add(one.moment);
  }
  requireCome([...missed], cases.length);
  return played;
}

/** The kernel has killed them all at once; what brought them into the sandbox stands still too, and has to see it. */
async function cutPower({ sandbox }: Site, paused: readonly Paused[]): Promise<void> {
  const up = sandbox.reboot();
  for (const one of paused) {
    await one.untilDead();
    await one.resume();
  }
  await up;
}

async function endCase({ site, settle, isOver }: Case): Promise<void> {
  await settle(site);
  await untilEnded(site, 60_000);
  if (settle === deployByHand) return assertServes(site, second);
  await assertServes(site, isOver ? second : first);
  const { outcome, active } = await endOfNewestRun(site);
  assert.equal([outcome, active], isOver ? ['deployed', second] : ['rolled_back', first]);
  await deployNext(site);
  return undefined;
}

async function caseSite(t: TestContext, prepare: Settler['prepare']): Promise<Site> {
  const site = await makeSite(t, { builds: [{}], tables: patience });
  await prepare(site);
  await site.add();
  return site;
}

/** While there is something to settle. */
function whileUnfinished(moments: ProcessRecord['passed']): ProcessRecord['passed'] {
  return whileAsking(untilOver(moments));
}

async function enable({ sandbox, unit }: Site): Promise<void> {
  await sandbox.run('systemctl', 'enable', unit);
}

async function settleByHand(site: Site): Promise<void> {
  assert.match((await site.tell('status')).stdout, 'UNFINISHED');
  const { code, stderr } = await site.call('settle');
  assert.is(code, 0, stderr);
}

async function deployByHand(site: Site): Promise<void> {
  const { code, stderr } = await site.call('deploy');
  assert.is(code, 0, stderr);
}
