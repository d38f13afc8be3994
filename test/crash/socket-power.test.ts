// needs: sandbox
// deadline: 8min
import * as assert from 'uvu/assert';
import { installBootUnit } from '../deploy/boot.ts';
import { buildId, type Site, type SiteOptions } from '../deploy/site.ts';
import { makeOverlapSite, makeSocketSite } from '../deploy/socket-site.ts';
import { suite, type TestContext } from '../suite.ts';
import { endOfNewestRun, momentsOf } from './death.ts';
import { assertServes, untilEnded } from './ended.ts';
import { fromFirstStepOn, placeOf } from './moments.ts';
import { deployNext } from './next.ts';
import { cutPower, type Paused, pauseAt } from './paused.ts';
import { startReader } from './reader.ts';
import type { MakeSite } from './site.ts';
import { collectProblems } from './sweep.ts';

const test = suite('crash/socket, power', { timeoutMs: 240_000 });
const [first, second] = [buildId(1), buildId(2)];
/** All machines come up at once, with a processor or two for them. */
const options: SiteOptions = { builds: [{}], tables: { start: ['timeout = "60s"'] } };

interface Case {
  name: string;
  site: Site;
  moment: string;
  /** whether the run had written that it was over */
  isOver: boolean;
}

test('S8: the power goes in each state of a deploy behind a socket: the machine serves a proven build, by no stand-in', async (t) => {
  const cases = [...(await casesOf(t, 'socket', makeSocketSite)), ...(await casesOf(t, 'overlap', makeOverlapSite))];
  const sites = cases.map(({ site }) => site) as [Site, ...Site[]];
  const stopReader = await startReader(...sites);
  const paused: Paused[] = [];
  for (const { site, moment } of cases) paused.push(await pauseAt(site, 'deploy', moment));
  assert.ok((await stopReader()) > 0);
  await cutPower(sites[0], paused);
  await collectProblems(cases, ({ name }) => name, endCase);
});

/** The stand-in is on its way or up, the link moves or is moved, the main unit restarts, all is proven, the stand-in goes. */
const whens = /^step (stand-in|swap) (intended|applied)$|^step (gate applied|retire intended)$|^outcome$/;
const asked = /^sent (Start|Restart)Unit:/;

/** A site for each state. */
async function casesOf(t: TestContext, strategy: string, make: MakeSite): Promise<Case[]> {
  const dry = await make(t, options);
  await dry.add();
  const moments = fromFirstStepOn(await momentsOf(dry, 'deploy'));
  const over = placeOf(moments, /^outcome$/);
  const states = moments.filter(({ moment, what }) => whens.test(what) || asked.test(moment));
  const cases: Case[] = [];
  for (const state of states) {
    const site = await make(t, options);
    await installBootUnit(site);
    await site.add();
    const { moment, what } = state;
    cases.push({ name: `${strategy}, ${moment} ${what}`, site, moment, isOver: moments.indexOf(state) >= over });
  }
  return cases;
}

test('S8: the power goes while a stand-in is up, and nothing starts the service at boot: settle does', async (t) => {
  const site = await makeOverlapSite(t, options);
  const { sandbox, unit, socket } = site;
  await installBootUnit(site);
  await sandbox.run('systemctl', 'disable', unit);
  await site.add();
  const moments = await momentsOf(site, 'deploy');
  const standIn = moments[placeOf(moments, /^step stand-in applied$/)];
  const to = await site.add();
  const paused = await pauseAt(site, 'deploy', standIn?.moment ?? 'never');
  await cutPower(site, [paused]);
  await untilEnded(site, 60_000);
  await sandbox.run('systemctl', 'is-active', unit, socket);
  await assertServes(site, second);
  const { outcome, from, to: tried } = await endOfNewestRun(site);
  assert.equal([outcome, from, tried], ['rolled_back', second, to]);
});

async function endCase({ site, isOver }: Case): Promise<void> {
  await untilEnded(site, 60_000);
  await assertServes(site, isOver ? second : first);
  const { outcome, active } = await endOfNewestRun(site);
  assert.equal([outcome, active], isOver ? ['deployed', second] : ['rolled_back', first]);
  if (isOver) await deployNext(site);
}
