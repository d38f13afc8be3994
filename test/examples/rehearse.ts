import * as assert from 'uvu/assert';
import type { CheckAnswer } from '../../lib/checks/check.ts';
import type { TestContext } from '../suite.ts';
import { type Change, type Example, type ExampleFiles, installExample, startClients } from './example.ts';

/**
 * Deploys good builds of an example, one after the other, while clients ask: no request may fail.
 * @param keepsAlive whether the program keeps connections open for a next request
 */
export async function deploysUnnoticed(
  t: TestContext,
  from: ExampleFiles,
  { strategy = 'socket', keepsAlive = true } = {},
): Promise<void> {
  const example = await installExample(t, from);
  for (let deploy = 1; deploy <= 3; deploy += 1) {
    const next = await example.add();
    const load = await startClients(t, example, from);
    const called = await example.deploy();
    const { sent, failed, answers } = await load.end();
    assert.equal([called.code, called.document.strategy, await example.current()], [0, strategy, next], called.stderr);
    assert.equal(unwell(called.document.checks), [], 'nothing to mend in the units of an example');
    assert.equal(failed, [], `of ${JSON.stringify(sent)}`);
    assert.ok(sent.new > 20 && (keepsAlive ? sent.reused : sent.kept) > 50, `too few: ${JSON.stringify(sent)}`);
    assert.equal(answers.toSorted(), [called.document.from, next], 'both builds answered, and nobody else');
  }
}

/** Deploys a bad build of an example while clients ask: the old one is back, and no request may fail. */
export async function comesBack(t: TestContext, from: ExampleFiles, fault: Change): Promise<void> {
  const example = await installExample(t, from);
  const before = await example.current();
  await example.add(fault);
  const load = await startClients(t, example, from);
  const called = await example.deploy();
  const { failed } = await load.end();
  assert.equal([called.code, called.document.outcome], [4, 'rolled_back'], called.stderr);
  assert.equal([await example.current(), failed], [before, []]);
  assert.is((await socketState(example)).trim(), 'active');
}

function socketState({ sandbox }: Example): Promise<string> {
  return sandbox.run('systemctl', 'is-active', 'shop.socket');
}

/** What the check has to say about the units; how full the machine is, is not the example's fault. */
function unwell(checks: readonly CheckAnswer[]): CheckAnswer[] {
  assert.ok(checks.length > 5);
  return checks.filter(({ name, status }) => status !== 'pass' && name !== 'disk' && name !== 'memory');
}
