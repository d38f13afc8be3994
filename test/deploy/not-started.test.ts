// needs: sandbox
import { mkdir, rm, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { suite, type TestContext } from '../suite.ts';
import { buildId, makeSite, type Site, until } from './site.ts';
import { assertNothingLeft, assertSound, whoServes } from './sound.ts';

const test = suite('deploy/not started');
const second = buildId(2);

/** A site whose unit has these lines in a section, and the file that its start hangs on. */
async function hangingOn(
  t: TestContext,
  lines: (mark: string) => string[],
  section = 'Unit',
): Promise<{ site: Site; mark: string }> {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox, unit } = site;
  const mark = `/run/${unit}.may-start`;
  const folder = sandbox.hostPath(`/etc/systemd/system/${unit}.d`);
  await sandbox.run('touch', mark);
  await mkdir(folder, { recursive: true });
  t.cleanup(() => rm(folder, { recursive: true, force: true }));
  await writeFile(`${folder}/needs.conf`, `[${section}]\n${lines(mark).join('\n')}\n`);
  await sandbox.run('systemctl', 'daemon-reload');
  return { site, mark };
}

/** Neither the candidate nor the build before can be started, and neither is at fault. */
async function assertNobodysFault({ site, mark }: { site: Site; mark: string }, message: RegExp): Promise<void> {
  const called = await site.call('deploy');
  const { failure, outcome } = called.document;
  assert.equal(
    [called.code, outcome, failure?.step, failure?.reason],
    [3, 'failed', 'start', 'systemd'],
    called.stderr,
  );
  assert.match(failure?.message ?? '', message);
  assert.not.match(failure?.message ?? '', /exited|signal/);
  await assertNothingLeft(site);
  await site.sandbox.run('touch', mark);
  await site.sandbox.run('systemctl', 'start', site.unit);
  await until('it serves', async () => (await whoServes(site)) !== null);
  const again = await site.call('deploy');
  assert.equal([again.code, again.document.active], [0, second], `nothing spoke against it: ${again.stderr}`);
  await assertSound(site, second, again);
}

test('S4: a unit that it needs does not start: that one is named, and no build is blamed', async (t) => {
  const needed = `needed-${process.pid}.service`;
  const { site, mark } = await hangingOn(t, () => [`Requires=${needed}`, `After=${needed}`]);
  const { sandbox } = site;
  const file = sandbox.hostPath(`/etc/systemd/system/${needed}`);
  t.cleanup(async () => {
    await sandbox.exec(['systemctl', 'stop', needed]);
    await rm(file, { force: true });
  });
  const service = [`ExecStartPre=/usr/bin/test -e ${mark}`, 'ExecStart=/bin/sleep infinity'];
  await writeFile(file, `[Service]\n${service.join('\n')}\n`);
  await sandbox.run('systemctl', 'daemon-reload');
  await sandbox.run('rm', mark);
  await assertNobodysFault(
    { site, mark },
    new RegExp(`was not started by systemd: ${needed}, which it needs, does not run`),
  );
});

test('S4: a condition of the unit is not met: no build is blamed', async (t) => {
  const { site, mark } = await hangingOn(t, (path) => [`ConditionPathExists=${path}`]);
  await site.sandbox.run('rm', mark);
  await assertNobodysFault({ site, mark }, /was not started by systemd: a Condition…= of it is not met/);
});

test('S4: a program that is asked whether the unit may start says no: no build is blamed', async (t) => {
  const { site, mark } = await hangingOn(t, (path) => [`ExecCondition=/usr/bin/test -e ${path}`], 'Service');
  await site.sandbox.run('rm', mark);
  await assertNobodysFault({ site, mark }, /was not started by systemd: its ExecCondition= is not met/);
});
