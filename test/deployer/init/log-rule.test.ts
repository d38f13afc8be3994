import * as assert from 'uvu/assert';
import type { ManagerKind } from '../../../lib/config/model.ts';
import { logRule } from '../../../lib/deployer/init/install/log-rule.ts';
import { suite } from '../../suite.ts';

const test = suite('deployer/init log rule');
const state = '/srv/jo/.state';

/** The line that is put in place; nothing: what is told instead. */
function ruleFor(logs: string, manager: ManagerKind = 'system'): string {
  const { files, notes } = logRule({ app: 'shop', logs, manager }, '/rules', { env: { XDG_STATE_HOME: state } });
  assert.is(files.length + notes.length, 1, logs);
  const [line = ''] = files.flatMap(({ text }) => /^e .*$/m.exec(text) ?? []);
  return notes[0] ?? `${files[0]?.path}: ${line.replaceAll(/ +/g, ' ')}`;
}

test('P5: old logs go by themselves where nobody but cutover writes', () => {
  const rows: [logs: string, rule: string, manager?: ManagerKind][] = [
    ['/var/log/cutover', 'cutover.conf: e /var/log/cutover - - - m:180d'],
    ['/var/log/cutover/shop', 'cutover-shop.conf: e /var/log/cutover/shop - - - m:180d'],
    ['/var/log/cutover-shop', 'cutover-shop.conf: e /var/log/cutover-shop - - - m:180d'],
    ['/var/log/cutover/50% off', 'cutover-shop.conf: e "/var/log/cutover/50%% off" - - - m:180d'],
    [`${state}/cutover/logs`, `cutover-shop.conf: e ${state}/cutover/logs - - - m:180d`, 'user'],
  ];
  for (const [logs, rule, manager] of rows) assert.is(ruleFor(logs, manager), `/rules/${rule}`);
});

test('P5: what others may have in the directory of the logs is never removed for its age', () => {
  const system = [
    '/var/log/shop',
    '/var/log',
    '/',
    '/var/log/cutovers',
    '/var/log/cutover/..',
    '/var/log/cutover-x',
    '/srv/shop/logs',
  ];
  for (const logs of system) assert.match(ruleFor(logs), `${logs}: it may hold files of others`);
  for (const logs of ['/var/log/cutover', `${state}/cutover`, '/srv/jo/shop/logs'])
    assert.match(ruleFor(logs, 'user'), `${logs}: it may hold files of others`);
});
