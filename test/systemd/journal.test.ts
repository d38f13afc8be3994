import * as assert from 'uvu/assert';
import { journalBounds, journalCommand, parseEntry, readAnswer, saysPartial } from '../../lib/systemd/journal.ts';
import { suite } from '../suite.ts';

const test = suite('systemd/journal');
const fields = 'MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,_SYSTEMD_INVOCATION_ID,_PID,_COMM,UNIT,USER_UNIT';
const fixed = ['journalctl', '--no-pager', '--quiet', '--output=json', '--all', `--output-fields=${fields}`];
const id = '0123456789abcdef0123456789abcdef';

test('S3: a query is a command', () => {
  const query = { manager: 'system', unit: 'app.service', lines: 50 } as const;
  assert.equal(journalCommand(query), [...fixed, '--lines=50', '--unit=app.service']);
  assert.equal(journalCommand({ ...query, manager: 'user' }), [...fixed, '--lines=50', '--user-unit=app.service']);
  assert.equal(journalCommand({ ...query, priority: 3, sinceMs: 1_770_131_480_123.456 }), [
    ...fixed,
    '--lines=50',
    '--priority=3',
    '--since=@1770131480.123456',
    '--unit=app.service',
  ]);
  const own = `_SYSTEMD_INVOCATION_ID=${id}`;
  assert.equal(journalCommand({ ...query, invocationId: id }), [...fixed, '--lines=50', own]);
  const withManager = { ...query, invocationId: id, withManager: true };
  assert.equal(journalCommand(withManager), [...fixed, '--lines=50', own, '+', `INVOCATION_ID=${id}`]);
  const ofUser = journalCommand({ ...withManager, manager: 'user' });
  assert.equal(ofUser, [...fixed, '--lines=50', own, '+', `USER_INVOCATION_ID=${id}`]);
  assert.equal(journalCommand({ ...query, invocationId: '' }), journalCommand(query));
});

test('S3: an entry is read, whatever is missing in it', () => {
  const at = new Date('2026-02-03T15:11:20.123Z');
  const stamp = `"__REALTIME_TIMESTAMP":"${at.getTime() * 1000}"`;
  const cases: [
    string,
    {
      priority: number;
      identifier: string;
      message: string;
      invocationId?: string;
      pid?: number;
      isManagers?: boolean;
    },
  ][] = [
    ['"PRIORITY":"3","SYSLOG_IDENTIFIER":"app","MESSAGE":"no"', { priority: 3, identifier: 'app', message: 'no' }],
    ['"MESSAGE":"no"', { priority: 6, identifier: '', message: 'no' }],
    ['"_COMM":"node","MESSAGE":"a\\nb"', { priority: 6, identifier: 'node', message: 'a\nb' }],
    ['"MESSAGE":[103,114,195,188,110,0,255]', { priority: 6, identifier: '', message: 'grün\uFFFD' }],
    ['"MESSAGE":[27,91,50,74,27,93,48,59,120,7,111,107,10,9,50]', { priority: 6, identifier: '', message: 'ok\n\t2' }],
    ['"MESSAGE":null', { priority: 6, identifier: '', message: '' }],
    ['"PRIORITY":"0"', { priority: 0, identifier: '', message: '' }],
    ['"_SYSTEMD_INVOCATION_ID":"4f2a"', { priority: 6, identifier: '', message: '', invocationId: '4f2a' }],
    ['"UNIT":"app.service","_PID":"1"', { priority: 6, identifier: '', message: '', pid: 1, isManagers: true }],
    ['"USER_UNIT":"a","_COMM":"systemd"', { priority: 6, identifier: 'systemd', message: '', isManagers: true }],
    ['"UNIT":"app.service","_PID":"7"', { priority: 6, identifier: '', message: '', pid: 7 }],
  ];
  for (const [fields, expected] of cases) {
    assert.equal(
      parseEntry(`{${stamp},${fields}}`),
      { at, invocationId: null, pid: 0, isManagers: false, ...expected },
      fields,
    );
  }
});

test('S3: of a long line so much is read that a pattern finds what stands in it', () => {
  const long = `${'x'.repeat(8_000)} FATAL`;
  assert.is(parseEntry(JSON.stringify({ MESSAGE: `${long}\nend` }))?.message, `${long}\nend`);
});

test('S3: an answer that is longer than what is read of it counts as unread', () => {
  const line = `${JSON.stringify({ MESSAGE: 'x'.repeat(1000) })}\n`;
  const whole = line.repeat(10).trimEnd();
  assert.equal(
    [readAnswer({ code: 0, stdout: whole }).isUnread, readAnswer({ code: 1, stdout: '' }).isUnread],
    [false, true],
  );
  const cut = line.repeat(journalBounds.maxBytes / line.length + 1).slice(0, journalBounds.maxBytes);
  for (const stdout of [cut, cut.slice(0, -1)]) assert.ok(readAnswer({ code: 0, stdout }).isUnread);
});

test('S3: what is no entry is none', () => {
  for (const line of ['', '-- No entries --', '{"MESSAGE":', 'null', '[]', '7'])
    assert.is(parseEntry(line), null, line);
});

test('S3: journalctl says when there is more than it may show', () => {
  const hint = `Hint: You are currently not seeing messages from other users and the system.
      Users in groups 'adm', 'systemd-journal' can see all messages.
      Pass -q to turn off this notice.`;
  for (const partial of [
    hint,
    'No journal files were opened due to insufficient permissions.',
    'No journal files were found.',
  ])
    assert.ok(saysPartial(partial), partial);
  for (const whole of ['', 'Journal file /var/log/journal/x is truncated, ignoring file.'])
    assert.not.ok(saysPartial(whole));
});
