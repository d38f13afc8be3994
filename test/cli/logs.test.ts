// needs: sandbox
import * as assert from 'uvu/assert';
import { leaveBehind, slowSite } from '../deploy/running.ts';
import { buildId, makeSite, untilNextSecond } from '../deploy/site.ts';
import { assertSound } from '../deploy/sound.ts';
import { suite } from '../suite.ts';

const test = suite('cli/logs');
const [first, second] = [buildId(1), buildId(2)];

test('S10: two runs of one second have a log each, and logs finds it', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  for (let time = 0; time < 10; time += 1) {
    await untilNextSecond();
    const [deploy, back] = [await site.call('deploy', [second]), await site.call('rollback', [first])];
    const [one, two] = [deploy.document.run ?? '', back.document.run ?? ''];
    const [there, again] = [`deploy ${first} -> ${second}`, `rollback ${second} -> ${first}`];
    const [logOne, logTwo] = [(await site.tell('logs', one)).stdout, (await site.tell('logs', two)).stdout];
    assert.match(logOne, there);
    assert.not.match(logOne, again);
    assert.match(logTwo, again);
    assert.not.match(logTwo, there);
    assert.is((await site.tell('logs')).stdout, logTwo);
    if (one.slice(0, 15) !== two.slice(0, 15)) continue;
    const { path } = (await site.call<{ path: string }>('logs', [two])).document;
    assert.is(path, `${site.logs}/deployment-${site.unit}-${two.slice(0, 15)}-2.log`);
    return;
  }
  throw new Error('never two in one second');
});

test('S8, S10: a deploy that ends a cut-off run first has its own log', async (t) => {
  const site = await slowSite(t);
  await leaveBehind(site);
  const cutOff = (await site.call('report')).document.run ?? '';
  const called = await site.call('deploy');
  const [before, own] = [await site.tell('logs', cutOff), await site.tell('logs', called.document.run ?? '')];
  assert.match(before.stdout, `run ${cutOff} was cut off and is ended now`);
  assert.match(own.stdout, `production serves ${second}, proven healthy`);
  assert.not.match(before.stdout, `production serves ${second}`);
  await assertSound(site, second, called);
});
