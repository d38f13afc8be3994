// needs: sandbox
import * as assert from 'uvu/assert';
import { makeSite, type Site } from '../deploy/site.ts';
import { assertSound } from '../deploy/sound.ts';
import { suite, type TestContext } from '../suite.ts';
import { endedBy, endOfNewestRun } from './death.ts';
import { untilEnded } from './ended.ts';
import { fromSwapOn, type Moments, untilOver } from './moments.ts';
import { cutPower, type Paused, pauseAt } from './paused.ts';
import { collectProblems } from './sweep.ts';
import { loseUnsynced } from './unsynced.ts';

const test = suite('crash/forgetful', { timeoutMs: 180_000 });
/** The machine comes up with all sites at once. */
const options = { builds: [{}], isDeployed: false, tables: { start: ['timeout = "60s"'] } };

test('S8: the power goes in a first deploy, and the disk forgets: the build that was tried is stopped', async (t) => {
  const dry = await makeSite(t, options);
  const { own } = await endedBy(dry, 'deploy', {});
  const moments = duringStart(untilOver(fromSwapOn(own.passed)));
  const cases: { name: string; site: Site; paused: Paused }[] = [];
  for (const { moment, what } of moments) {
    const site = await firstSite(t);
    const paused = await pauseAt(site, 'deploy', moment);
    await loseUnsynced(site);
    cases.push({ name: `${moment} ${what}`, site, paused });
  }
  await cutPower(
    dry,
    cases.map(({ paused }) => paused),
  );
  await collectProblems(cases, ({ name }) => name, endCase);
});

/** When systemd was asked to start it, when it was up, and when it was asked for its health. */
function duringStart(moments: Moments): Moments {
  return moments.filter(({ moment, what }) => moment.startsWith('sent StartUnit') || /^step (start|gate) /.test(what));
}

/** The unit starts with the machine, and nothing puts the link back before it. */
async function firstSite(t: TestContext): Promise<Site> {
  const site = await makeSite(t, options);
  await site.sandbox.run('systemctl', 'enable', site.unit);
  return site;
}

async function endCase({ site }: { site: Site }): Promise<void> {
  const { code, stderr } = await site.call('settle');
  assert.is(code, 3, stderr);
  await untilEnded(site);
  const { outcome, active } = await endOfNewestRun(site);
  assert.equal([outcome, active], ['failed', null]);
  await assertSound(site, null);
  const called = await site.call('deploy');
  assert.is(called.code, 0, called.stderr);
}
