// needs: sandbox
import { readFile, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { CheckAnswer } from '../../lib/checks/check.ts';
import type { CheckReport } from '../../lib/deployer/check.ts';
import { suite } from '../suite.ts';
import { plainUser } from './plain-user.ts';
import { buildId, calledFrom, makeSite, type Site } from './site.ts';

const test = suite('deploy/check-kinds');

async function ask(site: Site, check: string): Promise<CheckAnswer> {
  await site.configure({ keys: [`checks = [{ name = "it", ${check.replaceAll('PORT', `${site.port}`)} }]`] });
  const { document } = await site.call<CheckReport>('check');
  const found = document.checks.find(({ name }) => name === 'it');
  if (!found) throw new Error('it was not asked');
  return found;
}

test('B4: the number of processes of the unit', async (t) => {
  const forks = 'ExecStartPost=/bin/sh -c "sleep 1000 & sleep 1000 &"';
  const site = await makeSite(t, { service: [forks] });
  const cases: [string, CheckAnswer['status'], string][] = [
    ['count = 3', 'pass', '3 processes'],
    ['count = 4', 'fail', '4 processes'],
    ['min = 3', 'pass', '3 processes or more'],
    ['min = 4', 'fail', '4 processes or more'],
    ['max = 3', 'pass', '3 processes or fewer'],
    ['max = 2', 'fail', '2 processes or fewer'],
    ['min = 2, max = 4', 'pass', '2 to 4 processes'],
    ['min = 4, max = 9', 'fail', '4 to 9 processes'],
  ];
  for (const [keys, status, expected] of cases) {
    const answer = await ask(site, `kind = "processes", ${keys}`);
    assert.equal([answer.status, answer.observed, answer.expected], [status, '3 processes', expected], keys);
  }
  assert.is((await ask(site, 'kind = "processes", count = 4')).mend, `systemctl status ${site.unit}`);
});

test('B4: the journal of another unit, over a time', async (t) => {
  const site = await makeSite(t);
  const unit = `${site.app}-worker.service`;
  const path = site.sandbox.hostPath(`/etc/systemd/system/${unit}`);
  await writeFile(path, '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/echo FATAL password=hunter2\n');
  await site.sandbox.run('systemctl', 'daemon-reload');
  const check = `kind = "log", unit = "${unit}", pattern = "FATAL"`;
  const idle = await ask(site, check);
  assert.equal([idle.status, idle.observed], ['pass', `${unit} did not run yet`]);
  await site.sandbox.run('systemctl', 'start', unit);
  await site.sandbox.run('journalctl', '--sync');
  const since = await ask(site, `${check}, since = "5min"`);
  assert.is(since.status, 'fail');
  assert.match(since.observed, /1 of \d+ lines, at last: FATAL/);
  assert.is((await ask(site, check)).status, 'fail');
  await new Promise((resolve) => setTimeout(resolve, 1100));
  assert.is((await ask(site, `${check}, since = "1s"`)).status, 'pass');
  const none = await ask(site, 'kind = "log", unit = "no-such.service", pattern = "x"');
  assert.equal([none.status, none.observed], ['fail', 'there is no unit no-such.service']);
  await site.sandbox.run('systemctl', 'stop', unit);
});

test('B4: a line of the journal that is longer than journalctl shows by itself', async (t) => {
  const site = await makeSite(t);
  const unit = `${site.app}-talker.service`;
  const path = site.sandbox.hostPath(`/etc/systemd/system/${unit}`);
  const says = `ExecStart=/bin/sh -c 'echo "$(head -c 6000 /dev/zero | tr "\\\\0" x) FATAL"'`;
  await writeFile(path, `[Service]\nType=oneshot\nRemainAfterExit=yes\n${says}\n`);
  await site.sandbox.run('systemctl', 'daemon-reload');
  await site.sandbox.run('systemctl', 'start', unit);
  const answer = await ask(site, `kind = "log", unit = "${unit}", pattern = "FATAL"`);
  assert.is(answer.status, 'fail', answer.observed);
  assert.match(answer.observed, /^1 of \d+ lines, at last: x+…$/);
  await site.sandbox.run('systemctl', 'stop', unit);
});

/** Who is not root may not have the journal take in what is on its way: the start of a build that errs lasts until it has. */
const untilTaken = `! grep -qs log_errors behaviour.json || until journalctl -q -o cat --user-unit=%n | grep -q 'out of order'; do sleep 0.1; done`;

test('B4: the unit of a user: its processes, its journal, its pages', async (t) => {
  const bad = { mode: 'log_errors' as const, message: 'out of order' };
  const service = [`ExecStartPost=/bin/sh -c "${untilTaken}"`];
  const site = await makeSite(t, { builds: [{}, bad], user: await plainUser(), service });
  assert.is((await ask(site, 'kind = "processes", count = 1')).status, 'pass');
  assert.is((await ask(site, 'kind = "http", url = "http://127.0.0.1:PORT/api/health"')).status, 'pass');
  const mend = `journalctl --user -u ${site.unit} -g 'out of order'`;
  const quiet = await ask(site, 'kind = "log", pattern = "out of order"');
  assert.is(quiet.status, 'pass', quiet.observed);
  await site.configure({
    keys: ['checks = [{ name = "it", kind = "log", pattern = "out of order", when = ["after"] }]'],
    tables: { limits: ['journal_errors = -1'], start: ['timeout = "60s"'] },
  });
  const called = await site.call('deploy', [buildId(2)]);
  assert.equal([called.code, called.document.failure?.step], [4, 'checks'], called.stderr);
  assert.is(called.document.checks.find(({ when }) => when === 'after')?.mend, mend);
  const other = await ask(site, 'kind = "command", run = "true", user = "root"');
  assert.equal([other.status, other.observed], ['fail', 'exit 126: only root may run a command as root']);
  const own = await ask(site, 'kind = "command", run = "id -un", user = "deployer"');
  assert.equal([own.status, own.observed], ['pass', 'deployer']);
});

test('B4: who may not read the journal is told so, and nothing passes', async (t) => {
  const site = await makeSite(t);
  const { sandbox } = await plainUser();
  await site.configure({ keys: ['checks = [{ name = "it", kind = "log", pattern = "x" }]'] });
  const own = '/srv/deployer/own.toml';
  const text = await readFile(sandbox.hostPath(site.config), 'utf8');
  await writeFile(sandbox.hostPath(own), text.replace(/^logs = .*$/m, 'state = "/srv/deployer/own"'));
  const { document, stderr } = calledFrom<CheckReport>(await sandbox.cutover(['check', '--json', '--config', own]));
  assert.ok(document.checks, stderr);
  const answer = document.checks.find(({ name }) => name === 'it');
  assert.equal([answer?.status, answer?.observed], ['warn', `the journal of ${site.unit} cannot be read`], stderr);
  assert.match(answer?.mend ?? '', 'usermod -aG systemd-journal');
});
