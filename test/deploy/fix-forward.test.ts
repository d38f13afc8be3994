// needs: sandbox
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { breakInService, buildId, makeSite } from './site.ts';
import { makeSocketSite } from './socket-site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/fix-forward');
const [first, second] = [buildId(1), buildId(2)];

for (const [strategy, make] of Object.entries({ restart: makeSite, socket: makeSocketSite })) {
  test(`S4: a fix that fails before the link is moved goes back to the last proven build: ${strategy}`, async (t) => {
    const site = await make(t, { builds: [{}] });
    await site.add();
    assert.is((await site.call('deploy')).code, 0);
    await breakInService(site, second);
    await site.add();
    await site.configure({ keys: ['hooks.migrate = "exit 1"', `strategy = "${strategy}"`] });
    const called = await site.call('deploy', ['--fix-forward']);
    const { outcome, active, failure } = called.document;
    assert.equal([called.code, outcome, active, failure?.step], [4, 'rolled_back', first, 'migrate'], called.stderr);
    await assertSound(site, first, called);
  });
}
