import { execFileSync } from 'node:child_process';
import { chmod, chown, link, mkdir, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { keysWithValue } from '../../../lib/checks/kinds/env.ts';
import { lastLinesOf } from '../../../lib/checks/kinds/tail.ts';
import { asNobody } from '../../base/tmpfs.ts';
import { makeDirectory } from '../../builds/directory.ts';
import { suite, type TestContext } from '../../suite.ts';
import { askCheck } from './asking.ts';

const test = suite('checks/kinds/files');
const wwwData = 33;

async function makeFile(t: TestContext, { text = 'A=1\n', mode = 0o644, name = 'file' } = {}): Promise<string> {
  const path = join(await makeDirectory(t), name);
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

async function modeOf(path: string): Promise<string> {
  const { uid, gid, mode } = await stat(path);
  return `${uid}:${gid} ${(mode & 0o7777).toString(8)}`;
}

test('B4: a file that is there, and whose it must be', async (t) => {
  const path = await makeFile(t, { mode: 0o640 });
  const there = await askCheck(`kind = "file"\npath = "${path}"`);
  assert.equal([there.status, there.observed], ['pass', 'there']);
  const whose = `kind = "file"\npath = "${path}"\nowner = "root"\ngroup = "root"\nmode = "640"`;
  const good = await askCheck(whose);
  assert.equal([good.status, good.observed, good.expected], ['pass', 'root:root 640', 'root:root 640']);
  const none = await askCheck(`kind = "file"\npath = "${path}.none"`);
  assert.equal([none.status, none.observed, none.mend], ['fail', `there is no ${path}.none`, `ls -ld ${path}.none`]);
});

test('B4: a wrong owner, group or mode is told with the exact command', async (t) => {
  const path = await makeFile(t, { name: 'a file' });
  const cases: [string, string, string, string][] = [
    ['mode = "600"', '644', '600', `chmod 600 '${path}'`],
    ['owner = "www-data"', 'root', 'www-data', `chown www-data '${path}'`],
    ['group = "www-data"', ':root', ':www-data', `chown :www-data '${path}'`],
    [
      'owner = "www-data"\ngroup = "www-data"\nmode = "664"',
      'root:root 644',
      'www-data:www-data 664',
      `chown www-data:www-data '${path}' && chmod 664 '${path}'`,
    ],
    ['owner = "root"\ngroup = "www-data"', 'root:root', 'root:www-data', `chown :www-data '${path}'`],
  ];
  for (const [keys, observed, expected, mend] of cases) {
    const answer = await askCheck(`kind = "file"\npath = "${path}"\n${keys}`);
    assert.equal([answer.status, answer.observed, answer.expected, answer.mend], ['fail', observed, expected, mend]);
  }
  assert.is(await modeOf(path), '0:0 644', 'nothing was changed');
});

test('B1: with mend it is put right, and told', async (t) => {
  const path = await makeFile(t);
  const mode = await askCheck(`kind = "file"\npath = "${path}"\nmode = "600"\nmend = true`);
  assert.equal([mode.status, mode.observed, mode.mend], ['pass', 'was 644, is 600 now', null]);
  const keys = 'owner = "www-data"\ngroup = "www-data"\nmode = "664"\nmend = true';
  const all = await askCheck(`kind = "file"\npath = "${path}"\n${keys}`);
  assert.equal([all.status, all.observed], ['pass', 'was root:root 600, is www-data:www-data 664 now']);
  assert.is(await modeOf(path), `${wwwData}:${wwwData} 664`);
  assert.is((await askCheck(`kind = "file"\npath = "${path}"\n${keys}`)).observed, 'www-data:www-data 664');
});

test('S1: who only looks changes nothing, and says that a deploy would', async (t) => {
  const path = await makeFile(t);
  const answer = await askCheck(`kind = "file"\npath = "${path}"\nmode = "600"\nmend = true`, { mayMend: false });
  assert.equal([answer.status, answer.observed], ['warn', '644']);
  assert.is(answer.mend, `chmod 600 ${path} (a deploy does it by itself)`);
  assert.is(await modeOf(path), '0:0 644');
});

test('B1: nothing is mended through a link, nor where the file has another name, nor what is no file', async (t) => {
  const folder = await makeDirectory(t);
  const [secret, byLink, byName] = ['secret', 'link', 'name'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(secret, 'root alone');
  await chmod(secret, 0o600);
  await symlink(secret, byLink);
  const cases: [string, string][] = [[byLink, 'it is a link']];
  await link(secret, byName);
  cases.push([byName, 'it has several names'], ['/dev/null', 'it is neither a file nor a directory']);
  for (const [path, why] of cases) {
    const answer = await askCheck(`kind = "file"\npath = "${path}"\nowner = "www-data"\nmode = "664"\nmend = true`);
    assert.is(answer.status, 'fail', path);
    assert.match(answer.observed, why);
    assert.match(answer.mend ?? '', `chown www-data ${path}`);
  }
  assert.is(await modeOf(secret), '0:0 600');
  assert.is(await modeOf('/dev/null'), '0:0 666');
});

test('B1: nothing is mended behind a link that another user has put on the way', async (t) => {
  const folder = await makeDirectory(t);
  for (const name of ['app', 'others']) await mkdir(join(folder, name));
  const secret = join(folder, 'others', '.env');
  await writeFile(secret, 'of others');
  await chmod(secret, 0o600);
  await symlink(join(folder, 'others'), join(folder, 'app', 'shared'));
  await chown(join(folder, 'app'), wwwData, wwwData);
  const path = join(folder, 'app', 'shared', '.env');
  const answer = await askCheck(`kind = "file"\npath = "${path}"\nowner = "www-data"\nmode = "664"\nmend = true`);
  assert.is(answer.status, 'fail');
  assert.match(answer.observed, `could not be put right: ${join(folder, 'app', 'shared')} is no directory, or a link`);
  assert.is(await modeOf(secret), '0:0 600');
});

test('B1: who may not mend says so, and what to type', async (t) => {
  const path = await makeFile(t);
  await chmod(join(path, '..'), 0o755);
  const check = `kind = "file"\npath = "${path}"\nmode = "600"\nmend = true`;
  const answer = await asNobody(() => askCheck(check));
  assert.equal([answer.status, answer.mend], ['fail', `chmod 600 ${path}`]);
  assert.match(answer.observed, /644, which could not be put right: .*EPERM/);
});

test('B4: a directory counts as well; a user or group that there is not is told', async (t) => {
  const path = join(await makeDirectory(t), 'folder');
  await mkdir(path, { mode: 0o755 });
  const mended = await askCheck(`kind = "file"\npath = "${path}"\nmode = "700"\nmend = true`);
  assert.is(mended.observed, 'was 755, is 700 now');
  const user = await askCheck(`kind = "file"\npath = "${path}"\nowner = "nobody-here"`);
  assert.equal([user.status, user.observed], ['fail', 'there is no user nobody-here']);
  const group = await askCheck(`kind = "file"\npath = "${path}"\ngroup = "nobody-here"`);
  assert.equal([group.status, group.observed], ['fail', 'there is no group nobody-here']);
});

test('B4: an environment file gives every key a value; no value is ever told', async (t) => {
  const text = 'DATABASE_URL=postgres://u:hunter2@h/d\nexport SECRET_KEY="hunter2"\nEMPTY=\nQUOTED=""\n#GONE=hunter2\n';
  const path = await makeFile(t, { text, mode: 0o600 });
  const base = `kind = "env"\npath = "${path}"\nmode = "600"\n`;
  const good = await askCheck(`${base}keys = ["DATABASE_URL", "SECRET_KEY"]`);
  assert.equal([good.status, good.observed], ['pass', '600; 2 of 2 keys have a value']);
  const bad = await askCheck(`${base}keys = ["SECRET_KEY", "EMPTY", "QUOTED", "GONE", "NONE"]`);
  assert.equal([bad.status, bad.observed], ['fail', 'no value for EMPTY, QUOTED, GONE, NONE']);
  await chmod(path, 0o644);
  const open = await askCheck(`${base}keys = ["SECRET_KEY"]`);
  assert.equal([open.status, open.observed, open.mend], ['fail', '644', `chmod 600 ${path}`]);
  const mended = await askCheck(`${base}keys = ["SECRET_KEY"]\nmend = true`);
  assert.equal([mended.status, mended.observed], ['pass', 'was 644, is 600 now; 1 of 1 keys have a value']);
  const none = await askCheck(`kind = "env"\npath = "${path}.none"\nkeys = ["A"]`);
  assert.is(none.status, 'fail');
  for (const answer of [good, bad, open, mended]) assert.not.match(JSON.stringify(answer), 'hunter2');
});

test('B4: keys of environment files as systemd and dotenv read them', () => {
  const text = `# A=1
A=1
 B = two words
C="over
D=inside
lines"
E='F=inside'
export G=x # why
H= # nothing
I="say \\"K=hi\\""
J=1
J=
L=#text`;
  assert.equal([...keysWithValue(text)].toSorted(), ['A', 'B', 'C', 'E', 'G', 'I', 'L']);
});

test('B4: a pattern in a log file', async (t) => {
  const path = await makeFile(t, { text: 'fine\nERROR token=hunter2\nfine\nfine\n' });
  const base = `kind = "log"\npath = "${path}"\n`;
  const bad = await askCheck(`${base}pattern = "ERROR|FATAL"`);
  assert.equal([bad.status, bad.observed], ['fail', '1 of 4 lines, at last: ERROR token=hunter2']);
  assert.is(bad.mend, `grep -nE 'ERROR|FATAL' ${path} | tail`);
  const hidden = await askCheck(`${base}pattern = "ERROR"`, {
    redact: (text) => text.replaceAll('hunter2', '[hidden]'),
  });
  assert.not.match(JSON.stringify(hidden), 'hunter2');
  const recent = await askCheck(`${base}pattern = "ERROR"\nlines = 2`);
  assert.equal([recent.status, recent.observed], ['pass', 'not in 2 lines']);
  const none = await askCheck(`kind = "log"\npath = "${path}.none"\npattern = "E"`);
  assert.equal([none.status, none.observed], ['fail', `there is no ${path}.none`]);
});

test('B4: a pattern that comes to no end, and a pipe that nobody writes to, are bad answers in time', async (t) => {
  const path = await makeFile(t, { text: `fine\n${'a'.repeat(60)}!\n` });
  const slow = await askCheck(`kind = "log"\npath = "${path}"\npattern = "(a+)+$"`);
  assert.equal([slow.status, slow.observed], ['fail', 'the pattern (a+)+$ came to no end within 5 s']);
  const pipe = `${path}.pipe`;
  execFileSync('mkfifo', [pipe]);
  const log = await askCheck(`kind = "log"\npath = "${pipe}"\npattern = "E"`);
  assert.equal([log.status, log.observed, log.mend], ['fail', `${pipe} is no regular file`, `ls -ld ${pipe}`]);
  const env = await askCheck(`kind = "env"\npath = "${pipe}"\nkeys = ["A"]`);
  assert.equal([env.status, env.observed], ['fail', `cannot be read: ${pipe} is no regular file`]);
});

test('B4: the last lines of a file, however long it is', async (t) => {
  const many = Array.from({ length: 60_000 }, (_, number) => `line ${number} ä`);
  const path = await makeFile(t, { text: `${many.join('\n')}\n` });
  assert.equal(await lastLinesOf(path, 3), many.slice(-3));
  assert.equal(await lastLinesOf(path, 50_000), many.slice(-50_000));
  assert.is((await lastLinesOf(path, 100_000)).length, 60_000);
  assert.equal(await lastLinesOf(await makeFile(t, { text: 'a\n\nno end' }), 2), ['', 'no end']);
  assert.equal(await lastLinesOf(await makeFile(t, { text: '' }), 2), []);
  const long = 'x'.repeat(200_000);
  const [first = ''] = await lastLinesOf(await makeFile(t, { text: `w\n${long}\ny\n` }), 2);
  assert.is(first.length, long.length, 'a line that is longer than what is read at once');
});

/** And a minute. */
function hoursAgo(hours: number): Date {
  return new Date(Date.now() - hours * 3_600_000 - 60_000);
}

test('B4: backups are fresh, and neither too few nor too many', async (t) => {
  const dir = await makeDirectory(t);
  const base = `kind = "backups"\ndir = "${dir}"\nmax_age = "26h"\nmax = 3\n`;
  const none = await askCheck(base);
  assert.equal([none.status, none.observed, none.expected], ['fail', '0 backups', '1 to 3']);
  const add = async (name: string, hours: number, text = 'x'): Promise<void> => {
    await writeFile(join(dir, name), text);
    await utimes(join(dir, name), hoursAgo(hours), hoursAgo(hours));
  };
  await add('a.gz', 30);
  for (const name of ['.half.gz', 'a.gz.sha256', 'b.tmp']) await add(name, 0);
  const old = await askCheck(base);
  assert.equal([old.status, old.observed, old.expected], ['fail', 'the newest is 1d 6h old', 'at most 1d 2h old']);
  await add('b.gz', 2);
  const good = await askCheck(base);
  assert.equal([good.status, good.observed], ['pass', '2 backups; the newest is 2h 1min old']);
  await add('c.gz', 1, '');
  assert.match((await askCheck(base)).observed, 'c.gz is empty');
  await add('c.gz', 1);
  await add('d.gz', 40);
  const many = await askCheck(base);
  assert.equal([many.status, many.observed, many.expected], ['fail', '4 backups', '1 to 3']);
  const gone = await askCheck(`kind = "backups"\ndir = "${dir}/none"`);
  assert.equal([gone.status, gone.observed], ['fail', `there is no ${dir}/none`]);
});

test('B4: a check that only warns', async (t) => {
  const path = await makeFile(t);
  const answer = await askCheck(`kind = "file"\npath = "${path}"\nmode = "600"\nseverity = "warn"`);
  assert.equal([answer.status, answer.mend], ['warn', `chmod 600 ${path}`]);
  await chown(path, 0, 0);
});
