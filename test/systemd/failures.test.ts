import * as assert from 'uvu/assert';
import { CutoverError } from '../../lib/base/errors.ts';
import { dbusFailure, isDbusError } from '../../lib/systemd/failures.ts';
import { suite } from '../suite.ts';

const test = suite('systemd/failures');
const answered = (type: string): Error => Object.assign(new Error('text of the bus'), { type });
const call = { member: 'StartUnit', about: 'app.service', manager: 'system' } as const;

test('S1: each answer of systemd has a code, an exit code and what to type', () => {
  const cases: [type: string, code: string, exitCode: number, mend: string][] = [
    ['org.freedesktop.systemd1.NoSuchUnit', 'no_such_unit', 1, "systemctl list-unit-files 'app.service'"],
    ['org.freedesktop.systemd1.UnitMasked', 'unit_masked', 1, 'systemctl unmask app.service'],
    ['org.freedesktop.systemd1.UnitExists', 'unit_exists', 75, 'systemctl status app.service'],
    ['org.freedesktop.DBus.Error.AccessDenied', 'permission', 77, 'sudo'],
    ['org.freedesktop.DBus.Error.InteractiveAuthorizationRequired', 'permission', 77, 'polkit'],
    ['org.freedesktop.DBus.Error.AuthFailed', 'permission', 77, 'sudo'],
    ['org.freedesktop.DBus.Error.NoReply', 'bus_lost', 69, 'systemctl status'],
    ['org.freedesktop.DBus.Error.ServiceUnknown', 'systemd_unavailable', 69, 'ps -p 1'],
    ['org.freedesktop.DBus.Error.InvalidArgs', 'failed', 3, 'systemctl status app.service'],
    ['', 'failed', 3, 'systemctl status app.service'],
  ];
  for (const [type, code, exitCode, mend] of cases) {
    const cause = answered(type);
    const error = dbusFailure(cause, call);
    assert.ok(error instanceof CutoverError, type);
    assert.equal([error.code, error.exitCode, error.cause], [code, exitCode, cause], type);
    assert.match(error.mend ?? '', mend, type);
    assert.is(isDbusError(error, type), true);
  }
});

test('S1: a masked unit is named, which need not be the one that was asked about', () => {
  const cases: [text: string, code: string, exitCode: number, message: RegExp, mend: string][] = [
    ['Unit app.service is masked.', 'unit_masked', 1, /^app.service is masked$/, 'systemctl unmask app.service'],
    ['Unit db.service is masked.', 'unit_masked', 1, /^app.service needs db.service,/, 'systemctl unmask db.service'],
    ['Unit polkit.service is masked.', 'systemd_unavailable', 69, /^nobody decides/, 'systemctl unmask polkit.service'],
  ];
  for (const [text, code, exitCode, message, mend] of cases) {
    const answer = Object.assign(new Error(text), { type: 'org.freedesktop.systemd1.UnitMasked' });
    const error = dbusFailure(answer, call) as CutoverError;
    assert.equal([error.code, error.exitCode, error.mend], [code, exitCode, mend]);
    assert.match(error.message, message);
  }
});

test('S1: an error of ours passes through, and a call about no unit names itself', () => {
  const own = new CutoverError('timeout', 'late');
  assert.is(dbusFailure(own, call), own);
  const error = dbusFailure(answered('x'), { member: 'Reload', manager: 'system' });
  assert.match((error as CutoverError).message, 'systemd answered Reload() with: text of the bus');
  assert.is((error as CutoverError).mend, 'systemctl status');
});

test('S1: only this very error name is the one that was asked for', () => {
  assert.is(isDbusError(answered('a.b'), 'a.b'), true);
  assert.is(isDbusError(answered('a.b.c'), 'a.b'), false);
  for (const other of [null, undefined, 'a.b', new CutoverError('timeout', 'late')])
    assert.is(isDbusError(other, 'a.b'), false);
});

test('S1: what to type about a unit of the user goes to the manager of the user', () => {
  const cases: [type: string, mend: string][] = [
    ['org.freedesktop.systemd1.NoSuchUnit', "systemctl --user list-unit-files 'app.service'"],
    ['org.freedesktop.systemd1.UnitMasked', 'systemctl --user unmask app.service'],
    ['org.freedesktop.systemd1.UnitExists', 'systemctl --user status app.service'],
    ['org.freedesktop.DBus.Error.NoReply', 'systemctl --user status'],
    ['org.freedesktop.DBus.Error.ServiceUnknown', 'systemctl status user@$UID.service'],
    ['org.freedesktop.systemd1.TransactionIsDestructive', 'systemctl --user list-jobs'],
    ['', 'systemctl --user status app.service'],
  ];
  for (const [type, mend] of cases)
    assert.is((dbusFailure(answered(type), { ...call, manager: 'user' }) as CutoverError).mend, mend, type);
});
