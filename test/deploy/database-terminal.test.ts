// needs: sandbox
import { readFile, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import { suite, type TestContext } from '../suite.ts';
import { repository } from '../sandboxed.ts';
import { type DatabaseOptions, type DatabaseSite, makeDatabaseSite, migration } from './database-site.ts';
import { buildId, type Called, calledFrom, until } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/database and the terminal', { timeoutMs: 120_000 });
const [first, second] = [buildId(1), buildId(2)];
const going = { database: ['restore_on_rollback = true'], migrate: migration };

interface Typed {
  site: DatabaseSite;
  /** sends a signal to all that a terminal reaches */
  signal: (name: 'INT' | 'HUP') => Promise<string>;
  /** lets sqlite3 go on, and waits for the end */
  end: () => Promise<Called>;
}

/** A deploy as a terminal has it, in a group of its own, while its sqlite3 stands still before it does that. */
async function deployUntil(t: TestContext, act: '.backup' | '.restore', options: DatabaseOptions): Promise<Typed> {
  const site = await makeDatabaseSite(t, options);
  const { sandbox, folder } = site;
  const waits = `case "$*" in *${act}*) echo $PPID >${folder}/pid; touch ${folder}/waits; while ! test -e ${folder}/go; do sleep 0.02; done;; esac`;
  await sandbox.run('mkdir', `${folder}/bin`);
  const program = sandbox.hostPath(`${folder}/bin/sqlite3`);
  await writeFile(program, `#!/bin/sh\n${waits}\nexec /usr/bin/sqlite3 "$@"\n`, { mode: 0o755 });
  const words = [`${repository}/bin/cutover.js`, 'deploy', 'production', '--json', '--config', site.config];
  const child = await sandbox.spawn(['setsid', process.execPath, ...words], {
    env: { PATH: `${folder}/bin:/usr/sbin:/usr/bin:/sbin:/bin` },
  });
  const said = Promise.all([text(child.stdout), text(child.stderr)]);
  await until('it waits', async () => (await sandbox.exec(['test', '-e', `${folder}/waits`])).code === 0);
  const pid = (await readFile(sandbox.hostPath(`${folder}/pid`), 'utf8')).trim();
  return {
    site,
    signal: (name) => sandbox.run('kill', `-${name}`, '--', `-${pid}`),
    async end() {
      await sandbox.run('touch', `${folder}/go`);
      const [{ code }, [stdout, stderr]] = await Promise.all([child.ended, said]);
      return calledFrom({ code, stdout, stderr });
    },
  };
}

test('B2, S4: Ctrl-C and the end of the terminal reach no program that puts the database back', async (t) => {
  const run = await deployUntil(t, '.restore', { builds: [{}, { mode: 'status' }], ...going });
  await run.signal('INT');
  await run.signal('HUP');
  const called = await run.end();
  assert.equal([called.code, called.document.active], [4, first], called.stderr);
  const data = 'SELECT group_concat(name) FROM users; SELECT count(*) FROM sqlite_master';
  assert.is(await run.site.sql(data), 'ann,bob\n1');
  await assertSound(run.site, first, called);
});

test('P3, S4: the end of the terminal is no end of a backup', async (t) => {
  const run = await deployUntil(t, '.backup', { builds: [{}, {}], database: ['required = true'] });
  await run.signal('HUP');
  const called = await run.end();
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  assert.is((await run.site.listBackups()).length, 1);
  await assertSound(run.site, second, called);
});
