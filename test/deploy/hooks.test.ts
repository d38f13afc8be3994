// needs: sandbox
import { readdir, readFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { suite, type TestContext } from '../suite.ts';
import { makeOverlapSite, makeSocketSite } from './socket-site.ts';
import { type Behaviour } from '../services/builds.ts';
import { buildId, makeSite, type Site } from './site.ts';
import { assertSound, currentLink } from './sound.ts';

const test = suite('deploy/hooks');
const [first, second] = [buildId(1), buildId(2)];

/** Writes its name and what it is told into a file of the site. */
function record(site: Pick<Site, 'folder'>, name: string): string {
  return `echo ${name} run=$CUTOVER_RUN build=$CUTOVER_BUILD current=$CUTOVER_CURRENT previous=$CUTOVER_PREVIOUS outcome=$CUTOVER_OUTCOME >>${site.folder}/seen`;
}

/** A site whose first build is deployed and whose hooks are configured after that. */
async function siteWith(
  t: TestContext,
  hooks: (site: Site) => Record<string, string>,
  { builds = [{}, {}], make = makeSite }: { builds?: Behaviour[]; make?: typeof makeSite } = {},
): Promise<Site> {
  const strategy = { makeSocketSite: 'socket', makeOverlapSite: 'overlap' }[make.name];
  const site = await make(t, { builds });
  const keys = Object.entries(hooks(site)).map(([name, value]) => `hooks.${name} = ${value}`);
  await site.configure({ keys: strategy ? [`strategy = "${strategy}"`, ...keys] : keys });
  return site;
}

async function seen({ sandbox, folder }: Site): Promise<string[]> {
  const text = await readFile(sandbox.hostPath(`${folder}/seen`), 'utf8').catch(() => '');
  return text.split('\n').filter(Boolean);
}

async function logText({ sandbox, logs }: Site): Promise<string> {
  const names = (await readdir(sandbox.hostPath(logs))).filter((name) => name.endsWith('.log')).toSorted();
  return readFile(sandbox.hostPath(`${logs}/${names.at(-1)}`), 'utf8');
}

test('P1: every stage runs at its place, with the environment of the contract, and in the log of the run', async (t) => {
  const site = await siteWith(t, (own) =>
    Object.fromEntries(
      ['fetch', 'test', 'migrate', 'smoke', 'deployed', 'failed'].map((name) => [
        name,
        JSON.stringify(`${record(own, name)}; echo said by ${name}`),
      ]),
    ),
  );
  const called = await site.call('deploy');
  assert.is(called.code, 0, called.stderr);
  const { run, steps } = called.document;
  assert.equal(
    steps.map(({ name, status }) => `${name} ${status}`),
    [
      'fetch done',
      'test done',
      'stop done',
      'free-port done',
      'migrate done',
      'swap done',
      'start done',
      'gate done',
      'smoke done',
    ],
  );
  assert.equal(await seen(site), [
    `fetch run=${run} build= current=${first} previous=${first} outcome=`,
    `test run=${run} build= current=${first} previous=${first} outcome=`,
    `migrate run=${run} build=${second} current=${first} previous=${first} outcome=`,
    `smoke run=${run} build=${second} current=${second} previous=${first} outcome=`,
    `deployed run=${run} build=${second} current=${second} previous=${first} outcome=deployed`,
  ]);
  await assertSound(site, second, called);
  const log = await logText(site);
  for (const name of ['fetch', 'test', 'migrate', 'smoke', 'deployed']) {
    assert.match(log, `    | said by ${name}`);
    assert.match(called.stderr, `    | said by ${name}`);
  }
});
