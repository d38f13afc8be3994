// needs: sandbox
// deadline: 4min
import * as assert from 'uvu/assert';
import { assertSound, currentLink } from '../deploy/sound.ts';
import { suite } from '../suite.ts';
import { pushSite, seenBy } from './pushing.ts';

const test = suite('triggers/checkout stays', { timeoutMs: 120_000 });

test('P2: a checkout that cannot be removed keeps no good build out', async (t) => {
  const site = await pushSite(t, { hooks: { test: 'mkdir mounted && mount -t tmpfs tmpfs mounted' } });
  t.cleanup(() => site.sandbox.exec(['sh', '-c', `find ${site.state} -name mounted -exec umount {} +`]));
  await site.commit({});
  const pushed = await site.push();
  const seen = seenBy(pushed);
  assert.match(seen, 'the checkout of the commit stays: ');
  assert.match(seen, 'proven healthy', pushed.stderr);
  const build = await currentLink(site);
  assert.ok(build);
  await assertSound(site, build ?? '');
});
