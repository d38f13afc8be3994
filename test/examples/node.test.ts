// needs: sandbox
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { type Change, type Example, installExample, startClients } from './example.ts';

const test = suite('examples/node');
const files = ['server.mjs', 'drain.mjs'];
const unwell: Change = { file: 'server.mjs', replace: "status: 'healthy'", by: "status: 'unwell'" };
const crash: Change = { file: 'server.mjs', replace: '\nserver.listen', by: '\nprocess.exit(1);\nserver.listen' };

for (const strategy of ['socket', 'overlap'] as const) {
  const example = { name: `node-${strategy}`, program: 'node-socket', files };

  test(`a good build with ${strategy}: no client notices, those that keep their connection included`, async (t) => {
    const shop = await installExample(t, example);
    for (let deploy = 1; deploy <= 3; deploy += 1) {
      const next = await shop.add();
      const load = await startClients(t, shop);
      const called = await shop.deploy();
      const { sent, failed, answers } = await load.end();
      assert.equal([called.code, called.document.strategy, await shop.current()], [0, strategy, next], called.stderr);
      assert.equal(failed, [], `of ${JSON.stringify(sent)}`);
      assert.ok(sent.new > 20 && sent.reused > 50, `too few requests: ${JSON.stringify(sent)}`);
      assert.equal(answers.toSorted(), [called.document.from, next], 'both builds answered, and nobody else');
    }
  });

  for (const [what, fault] of Object.entries({ crashes: crash, 'is not healthy': unwell })) {
    test(`S4: a build that ${what} with ${strategy}: the old one is back`, async (t) => {
      const shop = await installExample(t, example);
      const before = await shop.current();
      await shop.add(fault);
      const load = await startClients(t, shop);
      const called = await shop.deploy();
      const { failed } = await load.end();
      assert.equal([called.code, called.document.outcome], [4, 'rolled_back'], called.stderr);
      assert.is(await shop.current(), before);
      assert.equal(failed, []);
      await assertSocketIsOpen(shop);
    });
  }
}

async function assertSocketIsOpen({ sandbox }: Example): Promise<void> {
  assert.is((await sandbox.run('systemctl', 'is-active', 'shop.socket')).trim(), 'active');
}
