import * as assert from 'uvu/assert';
import { hookScope } from '../../lib/systemd/hook-scope.ts';
import { escapeUnitName, unitPath } from '../../lib/systemd/names.ts';
import { scopeNames } from '../../lib/systemd/scope.ts';
import { suite } from '../suite.ts';

const test = suite('systemd/names');

test('S1: the path of a unit is the one that systemd gives it', () => {
  const cases: [string, string][] = [
    ['app.service', 'app_2eservice'],
    ['claude-bridge-production.service', 'claude_2dbridge_2dproduction_2eservice'],
    ['app@1.service', 'app_401_2eservice'],
    ['7up.service', '_37up_2eservice'],
    ['a_b.service', 'a_5fb_2eservice'],
    [String.raw`a\x2db.service`, 'a_5cx2db_2eservice'],
    ['ü.service', '_c3_bc_2eservice'],
  ];
  for (const [unit, part] of cases) assert.is(unitPath(unit), `/org/freedesktop/systemd1/unit/${part}`);
});

test('S8: a name becomes a part of a unit name as systemd-escape writes it', () => {
  const cases: [string, string][] = [
    ['shop', 'shop'],
    ['a b', String.raw`a\x20b`],
    ['a/b', String.raw`a\x2fb`],
    ['ü', String.raw`\xc3\xbc`],
    ['a@b%c', String.raw`a\x40b\x25c`],
    ['A:b_c.d-e', 'A:b_c.d-e'],
  ];
  for (const [name, part] of cases) assert.is(escapeUnitName(name), part);
  assert.equal(scopeNames('shop', 'eu west'), {
    scope: String.raw`cutover-shop-eu\x20west.scope`,
    settle: String.raw`cutover-settle-shop-eu\x20west.service`,
  });
});

test('P1: no two targets have one scope of their hooks, whatever dashes their names have', () => {
  assert.is(hookScope('shop', 'production'), 'cutover.hook-shop:production.scope');
  const run = '20260203-151120-4f2a';
  const owners: [app: string, target: string, run?: string][] = [
    ['shop', 'eu-production'],
    ['shop-eu', 'production'],
    ['shop-eu', 'production', run],
    ['shop-eu', `production-${run}`],
  ];
  assert.is(new Set(owners.map((owner) => hookScope(...owner))).size, owners.length);
});
