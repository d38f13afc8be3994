import * as assert from 'uvu/assert';
import { deployPushed, type HookSurroundings } from '../../lib/cli/hook-deploy.ts';
import type { Config } from '../../lib/config/model.ts';
import { suite } from '../suite.ts';

const test = suite('cli/hook-deploy');

test('a defect on one target is told as its result, and keeps no other target from its own', async (t) => {
  const told: string[] = [];
  const config = {
    get targets(): Config['targets'] {
      throw new TypeError('no such thing');
    },
  };
  const about = { config, signal: t.signal, left: 1, terminal: { tell: (text: string) => told.push(text) } };
  const pushed = { branch: 'main', commit: 'a'.repeat(40), targets: ['production', 'staging'] };
  const result = await deployPushed('production', pushed, about as unknown as HookSurroundings);
  assert.equal([result.exitCode, result.isTaken, result.isRepeatable, result.document], [3, false, false, null]);
  assert.equal([result.error?.code, result.error?.message], ['defect', 'no such thing']);
  assert.match(told.join(''), 'cutover: no such thing\n  -> this is a defect of cutover');
});
