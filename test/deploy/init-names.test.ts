import * as assert from 'uvu/assert';
import { initCommand, namesFor } from '../../lib/deployer/init/names.ts';
import { name } from '../../lib/config/values/name.ts';
import { statePaths } from '../../lib/run/state.ts';
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

test('the command about a unit says the names that it would not take by itself', () => {
  assert.is(command('shop.service', 'shop', 'production'), 'cutover init shop.service');
  assert.is(command('shop-blue.service', 'shop', 'blue'), 'cutover init shop-blue.service --target blue');
  assert.is(command('shop.service', 'other', 'production'), 'cutover init shop.service --app other');
  assert.is(command('shop-dev.service', 'other', 'blue'), 'cutover init shop-dev.service --app other --target blue');
  assert.is(command('shop-dev.service', 'shop-dev', 'blue'), 'cutover init shop-dev.service --target blue');
});

function command(unit: string, app: string, target: string): string {
  return initCommand(unit, statePaths({ state: '/var/lib/cutover', app, target }));
}
