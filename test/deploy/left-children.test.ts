// needs: sandbox
import { writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { buildId, makeSite, type Site } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/children that a stop leaves');
const [first, second] = [buildId(1), buildId(2)];

test('S4: what a bad build leaves to work on without a port is ended too', async (t) => {
  // A stop ends the program alone: its worker has no port, and takes jobs.
  const start = `if test -e works; then sleep infinity & fi; exec ${process.execPath} app.mjs`;
  const service = ['ExecStart=', `ExecStart=/bin/bash -c '${start}'`, 'KillMode=process'];
  const site = await makeSite(t, { builds: [{}, { mode: 'status' }], service });
  await writeFile(site.sandbox.hostPath(`${site.builds}/${second}/works`), '');
  const called = await site.call('deploy');
  const { outcome, active, failure } = called.document;
  assert.equal([called.code, outcome, active, failure?.reason], [4, 'rolled_back', first, 'health'], called.stderr);
  assert.is(await processesFrom(site, second), '', 'nothing runs from the bad build');
  await assertSound(site, first, called);
});

/** The processes that run from a build, a line each. */
async function processesFrom({ sandbox, builds }: Site, build: string): Promise<string> {
  const found = await sandbox.exec(['bash', '-c', `ls -l /proc/[0-9]*/cwd 2>/dev/null | grep ${builds}/${build}`]);
  return found.stdout;
}
