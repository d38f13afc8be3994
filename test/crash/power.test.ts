// needs: sandbox
// deadline: 8min
import * as assert from 'uvu/assert';
import { installBootUnit } from '../deploy/boot.ts';
import { buildId, makeSite, type Site } from '../deploy/site.ts';
import type { Behaviour } from '../services/builds.ts';
import { suite, type TestContext } from '../suite.ts';
import { endOfNewestRun, momentsOf, newestLedger } from './death.ts';
import { assertServes, untilEnded } from './ended.ts';
import { aroundChanges, beforeActs, fromSwapOn, type Moments, onWayBack, untilOver, whileAsking } from './moments.ts';
import { deployNext } from './next.ts';
import { cutPower, type Paused, pauseAt } from './paused.ts';
import { startReader } from './reader.ts';
import { collectProblems, requireCome } from './sweep.ts';
import { outcomeOf } from './truth.ts';
import { loseUnsynced } from './unsynced.ts';

const test = suite('crash/power', { timeoutMs: 300_000 });
const [first, second] = [buildId(1), buildId(2)];

/** Who ends the run after the boot. */
interface Settler {
  /** before the power goes */
  prepare: (site: Site) => Promise<unknown>;
  /** after the boot */
  settle: (site: Site) => Promise<unknown>;
}

const atBoot: Settler = { prepare: installBootUnit, settle: async () => {} };
const byHand: Settler = { prepare: enable, settle: settleByHand };
const byNext: Settler = { prepare: enable, settle: deployByHand };

/** All machines come up at once, with a processor or two for them. */
const patience = { start: ['timeout = "60s"'] };

interface Case {
  name: string;
  candidate: Behaviour;
  moment: string;
  settler: Settler;
  /** whether the disk has nothing but what a sync had ended for */
  isForgetful: boolean;
}

interface Played extends Case {
  site: Site;
  paused: Paused;
  /** whether the run had written that it was over, and the disk has it */
  isOver: boolean;
}

test('S8: the power goes from the swap to the end of a deploy: the machine serves a proven build', async (t) => {
  const dry = await makeSite(t, { builds: [{}, {}], tables: patience });
  const moments = fromSwapOn(await momentsOf(dry, 'deploy'));
  await playAll(t, dry, [
    ...casesOf('the unit at boot', atBoot, aroundChanges(moments)),
    ...casesOf('somebody who types cutover settle', byHand, whileAsking(untilOver(moments))),
    ...casesOf('the next deploy', byNext, whileAsking(untilOver(moments))),
  ]);
});

test('S8: the power goes on the way back from a bad build: the machine serves a proven build', async (t) => {
  const candidate: Behaviour = { mode: 'status' };
  const dry = await makeSite(t, { builds: [{}, candidate], tables: patience });
  const moments = beforeActs(onWayBack(await momentsOf(dry, 'deploy')));
  await playAll(t, dry, [
    ...forgetfulOnly(casesOf('the unit at boot', atBoot, moments, candidate)),
    ...forgetfulOnly(casesOf('somebody who types cutover settle', byHand, whileAsking(moments), candidate)),
  ]);
});

/** Each moment with a disk that keeps all, and with one that forgets. */
function casesOf(who: string, settler: Settler, moments: Moments, candidate: Behaviour = {}): Case[] {
  return [false, true].flatMap((isForgetful) =>
    moments.map(({ moment, what }) => {
      const name = `${who}, ${moment} ${what}${isForgetful ? ', the disk forgets' : ''}`;
      return { name, candidate, moment, settler, isForgetful };
    }),
  );
}

const forgetfulOnly = (cases: readonly Case[]): Case[] => cases.filter(({ isForgetful }) => isForgetful);

async function playAll(t: TestContext, dry: Site, cases: readonly Case[]): Promise<void> {
  const sites: Site[] = [];
  for (const one of cases) sites.push(await caseSite(t, one));
  const stopReader = await startReader(dry, ...sites);
  const played = await pauseEach(cases, sites);
  assert.ok((await stopReader()) > 0);
  await cutPower(
    dry,
    played.map(({ paused }) => paused),
  );
  const stopSecond = await startReader(dry, ...sites);
  await collectProblems(played, ({ name }) => name, endCase);
  assert.ok((await stopSecond()) > 0);
}

/** But for the few whose moment never came. */
async function pauseEach(cases: readonly Case[], sites: readonly Site[]): Promise<Played[]> {
  const played: Played[] = [];
  const missed = new Set<string>();
  for (const [place, site] of sites.entries()) {
    const one = cases[place] as Case;
    const paused = await pauseAt(site, 'deploy', one.moment, { mayMiss: true });
    if (paused.hasCome) played.push({ ...one, site, paused, isOver: await isOverOnDisk(site, one) });
    else missed.add(one.moment);
  }
  requireCome([...missed], cases.length);
  return played;
}

async function isOverOnDisk(site: Site, { isForgetful }: Case): Promise<boolean> {
  if (isForgetful) await loseUnsynced(site);
  return outcomeOf(await newestLedger(site)) !== null;
}

async function endCase({ site, settler, candidate, isOver }: Played): Promise<void> {
  await settler.settle(site);
  await untilEnded(site, 60_000);
  if (settler === byNext) return assertServes(site, second);
  const isDeployed = isOver && candidate.mode === undefined;
  await assertServes(site, isDeployed ? second : first);
  const { outcome, active } = await endOfNewestRun(site);
  assert.equal([outcome, active], isDeployed ? ['deployed', second] : ['rolled_back', first]);
  await deployNext(site);
  return undefined;
}

async function caseSite(t: TestContext, { settler, candidate }: Case): Promise<Site> {
  const site = await makeSite(t, { builds: [{}], tables: patience });
  await settler.prepare(site);
  await site.add(candidate);
  return site;
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
