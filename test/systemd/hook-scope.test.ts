import * as assert from 'uvu/assert';
import { isCutoverError } from '../../lib/base/errors.ts';
import { enterHookScope } from '../../lib/systemd/hook-scope.ts';
import type { Systemd } from '../../lib/systemd/systemd.ts';
import { rejection } from '../builds/directory.ts';
import { suite } from '../suite.ts';

const test = suite('systemd/hook-scope');
const what = { scope: 'cutover.hook-shop:production.scope', pid: 7, app: 'shop', target: 'production' };

test('P1: a scope whose start job did not come to its end holds no hook', async () => {
  const systemd = { startTransient: async () => 'canceled' } as unknown as Systemd;
  const error = await rejection(enterHookScope(systemd, what));
  assert.ok(isCutoverError(error, 'failed'), String(error));
  assert.is((error as Error).message, `the start job of ${what.scope} ended as canceled`);
});
