import * as assert from 'uvu/assert';
import { namesFor } from '../../lib/deployer/init/names.ts';
import { name } from '../../lib/config/values/name.ts';
import { suite } from '../suite.ts';

const test = suite('deploy/init names');

test('app and target as the name of the unit suggests them', () => {
  const expected: [unit: string, said: string | undefined, app: string, target: string][] = [
    ['shop.service', undefined, 'shop', 'production'],
    ['shop-staging.service', undefined, 'shop', 'staging'],
    ['claude-bridge-production.service', undefined, 'claude-bridge', 'production'],
    ['shop@staging.service', undefined, 'shop', 'staging'],
    ['shop_dev.service', undefined, 'shop', 'dev'],
    ['staging.service', undefined, 'staging', 'production'],
    ['shop@blue.service', undefined, 'shop-blue', 'production'],
    [String.raw`-my\x2dshop.service`, undefined, 'my-x2dshop', 'production'],
    ['shop-staging.service', 'staging', 'shop', 'staging'],
    ['shop-staging.service', 'canary', 'shop-staging', 'canary'],
    ['shop-canary.service', 'canary', 'shop', 'canary'],
    ['@.service', undefined, 'app', 'production'],
  ];
  for (const [unit, said, app, target] of expected) {
    assert.equal(namesFor(unit, said), { app, target }, unit);
    name.parse(app, 'app');
    name.parse(target, 'target');
  }
});
