// needs: sandbox
import { readFile, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { JournalEntry } from '../../lib/systemd/journal.ts';
import { lastWords } from '../../lib/deploy/evidence.ts';
import { suite, type TestContext } from '../suite.ts';
import { assertWentBack, ledger, startDeploy } from './running.ts';
import { buildId, makeSite, type Site, until } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/late journal');

/** The journal takes nothing in until it is let go. */
async function holdJournal(t: TestContext, { sandbox }: Site): Promise<() => Promise<unknown>> {
  const pid = (await sandbox.run('systemctl', 'show', '--property=MainPID', '--value', 'systemd-journald')).trim();
  const signal = (name: string): Promise<string> => sandbox.run('kill', `-${name}`, pid);
  const letGo = (): Promise<string> => signal('CONT');
  t.cleanup(letGo);
  await signal('STOP');
  return letGo;
}

test('S10: the last words of a build that dies are told, although the journal is late', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox, builds } = site;
  await writeFile(
    sandbox.hostPath(`${builds}/${buildId(2)}/app.mjs`),
    "console.error('no database'); process.exit(1);\n",
  );
  const letGo = await holdJournal(t, site);
  const run = await startDeploy(site);
  // Read from outside: the journal is waited for by then, and not for ever.
  await until('the old build is back', async () => (await ledger(site)).includes('"name":"stop","state":"reverted"'));
  await letGo();
  const called = await run.end();
  assertWentBack(called, buildId(1));
  assert.match(called.stderr, 'no database');
  assert.not.match(called.stderr, 'listens on', 'what the build before says when it is back');
  const { evidence } = called.document.failure ?? {};
  assert.match(await readFile(sandbox.hostPath(`${evidence}/journal.txt`), 'utf8'), 'no database');
  await assertSound(site, buildId(1), called);
});

test('B4: what a build has written counts in a check of its journal, although the journal is late', async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'log_errors', message: 'out of date' }] });
  const check = '{ name = "it", kind = "log", pattern = "out of date", when = ["after"] }';
  await site.configure({ keys: [`checks = [${check}]`], tables: { limits: ['journal_errors = -1'] } });
  const letGo = await holdJournal(t, site);
  const run = await startDeploy(site);
  let isOver = false;
  void run.child.ended.then(() => (isOver = true));
  const waits = ['pgrep', '--full', 'journalctl --sync'] as const;
  await until('the journal is waited for', async () => isOver || (await site.sandbox.exec(waits)).code === 0);
  await letGo();
  const called = await run.end();
  assertWentBack(called, buildId(1));
  assert.match(called.document.failure?.message ?? '', /it: 3 of \d+ lines, at last: .*out of date/);
  await assertSound(site, buildId(1), called);
});

test('S10: the last words are of the build that died, known by its invocation or by none', () => {
  const entry: JournalEntry = {
    at: new Date(),
    priority: 6,
    identifier: 'node',
    isManagers: false,
    pid: 2,
    invocationId: null,
    message: '',
  };
  const entries = [
    { ...entry, message: 'the build before', invocationId: 'before' },
    { ...entry, message: 'it starts', invocationId: 'own' },
    { ...entry, message: 'Started shop.service.', invocationId: null, isManagers: true },
    { ...entry, message: 'no database', invocationId: null },
    { ...entry, message: 'the build before is back', invocationId: 'back', pid: 3 },
  ];
  assert.equal(lastWords(entries, { invocationBefore: 'before', others: [3] }), ['it starts', 'no database']);
});
