// needs: sandbox
// deadline: 10min
import { writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { suite, type TestContext } from '../../suite.ts';
import { calledFrom, until } from '../../deploy/site.ts';
import type { AddedBuild } from '../../../lib/deployer/add.ts';
import type { CheckReport } from '../../../lib/deployer/check.ts';
import type { VerifyReport } from '../../../lib/deployer/verify.ts';
import { adopt, type PlainSite, plainSite, refusedAdoption, servedFrom } from './adopt-site.ts';

const test = suite('deployer/init adopt shared', { timeoutMs: 300_000 });
const list = 'data/app.list';

/** A service that was moved, and whose data stayed where it was. */
async function sharingSite(
  t: TestContext,
  options: Parameters<typeof plainSite>[1] = {},
  then = 'true',
): Promise<PlainSite & { first: string }> {
  const site = await plainSite(t, options);
  await site.sandbox.run('sh', '-c', `cd ${site.source}; mkdir -p lib/cache; echo one > ${list}; ${then}`);
  const { code, document, stderr } = await adopt(site, '--shared', 'data', '--shared', 'lib/cache');
  assert.is(code, 0, stderr);
  return { ...site, first: document.adopted?.build ?? '' };
}

/** What a program in the build in service reads of the data, after it has added a line. */
async function written({ sandbox, builds }: PlainSite, line: string): Promise<string> {
  return sandbox.run('sh', '-c', `cd ${builds}/current/; echo ${line} >> ${list}; cat ${list}`);
}

async function candidateOf({ sandbox }: PlainSite) {
  const { document } = calledFrom<CheckReport>(await sandbox.cutover(['check', '--json']));
  const answer = document.checks.find(({ name }) => name === 'candidate');
  assert.ok(answer);
  return answer;
}

/** As rsync brings it: without what the service writes, complete when it gets its name. @param more makes more of it */
async function bringIn({ sandbox, builds, first }: PlainSite & { first: string }, more = ''): Promise<string> {
  const id = 'dist.20991231-000000';
  const copying = `cd ${builds}; cp -a ${first} .copying; rm -r .copying/data .copying/lib; ${more} mv -T .copying ${id}`;
  await sandbox.run('sh', '-c', copying);
  return id;
}

test('what is shared is in each build that comes in: archive, deploy, rollback, and it is compared without it', async (t) => {
  const site = await sharingSite(t);
  const { sandbox, builds, source, first } = site;
  await sandbox.run(
    'tar',
    '-C',
    `${builds}/${first}`,
    '--exclude=./data',
    '--exclude=./lib',
    '-czf',
    '/srv/plain/new.tgz',
    '.',
  );
  const added = calledFrom<{ build: AddedBuild }>(await sandbox.cutover(['add', '/srv/plain/new.tgz', '--json']));
  assert.equal([added.code, added.document.build.notes], [0, []], added.stderr);
  const { id } = added.document.build;
  assert.is(await sandbox.run('readlink', `${builds}/${id}/data`), `${source}/data`);
  assert.is(await sandbox.run('readlink', `${builds}/${id}/lib/cache`), `${source}/lib/cache`);
  const verified = calledFrom<VerifyReport>(await sandbox.cutover(['verify', 'production', id, '--json']));
  assert.equal([verified.code, verified.document.new], [0, []]);
  const checked = await candidateOf(site);
  assert.equal([checked.status, checked.observed], ['pass', id]);
  const deployed = calledFrom(await sandbox.cutover(['deploy', '--json']));
  assert.equal([deployed.code, deployed.document.active], [0, id], deployed.stderr);
  assert.is(await written(site, 'two'), 'one\ntwo');
  const back = calledFrom(await sandbox.cutover(['rollback', '--json']));
  assert.equal([back.code, back.document.active], [0, first], back.stderr);
  assert.is(await written(site, 'three'), 'one\ntwo\nthree');
});

test('a build that was brought in by hand gets its links from the deploy; to look changes nothing', async (t) => {
  const site = await sharingSite(t);
  const { sandbox, builds, source, first } = site;
  const id = await bringIn(site);
  for (const words of [['check'], ['deploy', '--dry-run']]) await sandbox.cutover(words);
  const checked = await candidateOf(site);
  const links = `the deploy makes a link from data to ${source}/data, and from lib/cache to ${source}/lib/cache`;
  assert.equal([checked.status, checked.observed], ['pass', `${id}; ${links}`]);
  assert.is((await sandbox.exec(['test', '-e', `${builds}/${id}/data`])).code, 1);
  const deployed = calledFrom(await sandbox.cutover(['deploy', '--json']));
  assert.equal([deployed.code, deployed.document.active], [0, id], deployed.stderr);
  assert.is(await written(site, 'two'), 'one\ntwo');
  // A rollback goes to one that lost its link, too.
  await sandbox.run('rm', `${builds}/${first}/data`);
  const back = calledFrom(await sandbox.cutover(['rollback', '--json']));
  assert.equal([back.code, back.document.active], [0, first], back.stderr);
  assert.is(await written(site, 'three'), 'one\ntwo\nthree');
});

test('data of its own in the place of a link keeps a build from being deployed, until it is out of the way', async (t) => {
  const site = await sharingSite(t);
  const { sandbox, builds, source, first } = site;
  const id = await bringIn(site, 'mkdir .copying/data;');
  const checked = await candidateOf(site);
  assert.equal([checked.status, checked.observed], ['fail', `${id} has data of its own`]);
  assert.match(checked.expected, `a link data to ${source}/data`);
  const refused = calledFrom(await sandbox.cutover(['deploy', '--json']));
  assert.equal([refused.code, refused.document.outcome], [2, 'refused']);
  assert.is(await servedFrom(site), `${builds}/${first}`);
  const [move = ''] = (checked.mend ?? '').split(', and the deploy');
  await sandbox.run('sh', '-c', move);
  const deployed = calledFrom(await sandbox.cutover(['deploy', '--json']));
  assert.equal([deployed.code, deployed.document.active], [0, id], deployed.stderr);
  assert.is(await written(site, 'two'), 'one\ntwo');
});

test('what is to be shared later is moved by hand, and from then on each build has a link to it', async (t) => {
  const site = await sharingSite(t);
  const { sandbox, builds, source, unit } = site;
  assert.is((await adopt(site, '--shared', 'data')).code, 0);
  await sandbox.run('sh', '-c', `echo later > ${builds}/current/later.db`);
  const { code, message, mend } = await refusedAdoption(site, '--shared', 'later.db');
  assert.equal(
    [code, message],
    [1, `${unit} runs in builds already, and later.db is not shared by them; nothing was changed`],
  );
  const [commands = '', addition = ''] = mend.split('; then add ');
  await sandbox.run('sh', '-c', commands);
  const [, path = '', record = ''] = /^"(.*)" to "shared" in (.*)$/.exec(addition) ?? [];
  const edit = `const fs = require('node:fs'); const one = JSON.parse(fs.readFileSync('${record}')); one.shared.push('${path}'); fs.writeFileSync('${record}', JSON.stringify(one))`;
  await sandbox.run(process.execPath, '-e', edit);
  const id = await bringIn(site, 'rm .copying/later.db;');
  await until('it serves', async () => (await servedFrom(site)) !== null);
  const deployed = calledFrom(await sandbox.cutover(['deploy', '--json']));
  assert.equal([deployed.code, deployed.document.active], [0, id], deployed.stderr);
  assert.is(await sandbox.run('cat', `${builds}/${id}/later.db`, `${source}/later.db`), 'later\nlater');
});

test('root makes the links of a service that is another user in the name of that user', async (t) => {
  const site = await sharingSite(t, { lines: ['User=daemon'] }, 'chown -R daemon: .');
  const { sandbox, builds } = site;
  const id = await bringIn(site);
  const deployed = calledFrom(await sandbox.cutover(['deploy', '--json']));
  assert.equal([deployed.code, deployed.document.active], [0, id], deployed.stderr);
  const owners = await sandbox.run('stat', '--format=%U', `${builds}/${id}/data`, `${builds}/${id}/lib`);
  assert.is(owners, 'daemon\ndaemon');
});

test('an archive with data of its own is taken in, and told of', async (t) => {
  const site = await sharingSite(t);
  const { sandbox, source } = site;
  await writeFile(sandbox.hostPath('/srv/plain/own'), 'x');
  await sandbox.run('sh', '-c', 'cd /srv/plain; mkdir data; mv own data; tar -czf own.tgz data');
  const { code, document } = calledFrom<{ build: AddedBuild }>(
    await sandbox.cutover(['add', '/srv/plain/own.tgz', '--json']),
  );
  assert.is(code, 0);
  const { id, notes } = document.build;
  assert.match(
    notes.join('\n'),
    `${id} has data of its own in the place of a link to ${source}/data, which builds share`,
  );
  assert.is((await candidateOf(site)).status, 'fail');
});
