import * as assert from 'uvu/assert';
import { CutoverError, type ErrorCode, errnoOf, fileError, isCutoverError, messageOf } from '../../lib/base/errors.ts';
import { suite } from '../suite.ts';

const test = suite('base/errors');

test('S2: every code leads to the exit code of the contract', () => {
  const cases: Record<ErrorCode, number> = {
    usage: 64,
    config: 78,
    refused: 1,
    no_build: 2,
    failed: 3,
    locked: 75,
    permission: 77,
    systemd_unavailable: 69,
    bus_lost: 69,
    no_such_unit: 1,
    unit_masked: 1,
    unit_exists: 75,
    job_failed: 3,
    timeout: 3,
    interrupted: 130,
    taken_back: 4,
    unfinished: 3,
    not_found: 1,
    disk: 1,
    sandbox: 69,
  };
  for (const [code, exitCode] of Object.entries(cases)) {
    assert.is(new CutoverError(code as ErrorCode, 'a fact').exitCode, exitCode, code);
  }
});

test('S1: an error keeps its fact, its way out and its cause', () => {
  const cause = new Error('below');
  const error = new CutoverError('disk', 'a fact', { mend: 'a command', cause });
  assert.equal([error.message, error.mend, error.cause, error.name], ['a fact', 'a command', cause, 'CutoverError']);
  assert.is(new CutoverError('disk', 'a fact').mend, undefined);
});

test('S1: errors are told apart by their code', () => {
  const error = new CutoverError('disk', 'a fact');
  assert.is(isCutoverError(error), true);
  assert.is(isCutoverError(error, 'disk'), true);
  assert.is(isCutoverError(error, 'usage', 'disk'), true);
  assert.is(isCutoverError(error, 'usage'), false);
  assert.is(isCutoverError(Object.assign(new Error('a fact'), { code: 'disk' }), 'disk'), false);
  for (const other of [null, undefined, 'disk', {}]) assert.is(isCutoverError(other), false);
});

test('S1: anything that was thrown has a text, and only a system call has an errno', () => {
  assert.equal([new Error('a'), 'b', 3, null, undefined].map(messageOf), ['a', 'b', '3', 'null', 'undefined']);
  const thrown = [Object.assign(new Error('a'), { code: 'ENOENT' }), new Error('a'), { code: 7 }, null, undefined, 'b'];
  assert.equal(thrown.map(errnoOf), ['ENOENT', undefined, undefined, undefined, undefined, undefined]);
});

const failed = (code: string): Error => Object.assign(new Error('system text'), { code });

test('S1: a failed file operation says what to type; others pass through as they are', () => {
  const cases: [errno: string, code: string, text: string, mend: string][] = [
    ['EACCES', 'permission', 'permission denied', 'ls -ld /a/b'],
    ['EPERM', 'permission', 'permission denied', 'ls -ld /a/b'],
    ['EROFS', 'permission', 'the file system is read-only', 'remount,rw'],
    // What was to be written is not there: the nearest that is.
    ['ENOSPC', 'disk', 'no space left', 'df -h /; '],
    ['EDQUOT', 'disk', 'no space left', 'df -h /; '],
  ];
  for (const [errno, code, text, mend] of cases) {
    const cause = failed(errno);
    const error = fileError(cause, 'cannot write', '/a/b');
    assert.ok(isCutoverError(error), errno);
    assert.equal([error.code, error.message, error.cause], [code, `cannot write /a/b: ${text}`, cause]);
    assert.match(error.mend ?? '', mend);
  }
  assert.match((fileError(failed('ENOSPC'), 'cannot write', '/etc') as CutoverError).mend ?? '', 'df -h /etc; ');
  for (const other of [failed('EISDIR'), new Error('x'), null, 'text']) {
    assert.is(fileError(other, 'cannot write', '/a'), other);
  }
});
