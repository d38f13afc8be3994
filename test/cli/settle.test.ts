import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { exec } from '../../lib/base/exec.ts';
import type { RunDocument } from '../../lib/run/document.ts';
import { makeDirectory } from '../builds/directory.ts';
import { documentWith } from '../run/samples.ts';
import { repository } from '../sandboxed.ts';
import { suite } from '../suite.ts';

const test = suite('cli/settle');
const build = 'dist.20260203-151116';

test('S8: nothing to settle is told in a whole document', async (t) => {
  const root = await makeDirectory(t);
  await mkdir(join(root, 'builds', build), { recursive: true });
  await symlink(build, join(root, 'builds/current'));
  const config = join(root, 'cutover.toml');
  const places = `state = "${root}/state"\nlogs = "${root}/logs"\n`;
  const target = `[targets.production]\nunit = "shop.service"\nbuilds = "${root}/builds"\n`;
  await writeFile(config, `app = "shop"\n${places}${target}`);
  const words = [join(repository, 'bin/cutover.js'), 'settle', '--json', '--config', config];
  const { code, stdout, stderr } = await exec([process.execPath, ...words], { timeoutMs: 30_000 });
  assert.is(code, 0, stderr);
  const found = JSON.parse(stdout) as RunDocument;
  assert.equal(Object.keys(found).toSorted(), Object.keys(documentWith()).toSorted());
  assert.equal([found.run, found.kind, found.outcome, found.exit_code], [null, 'settle', 'unchanged', 0]);
  assert.equal(
    [found.app, found.target, found.unit, found.strategy],
    ['shop', 'production', 'shop.service', 'restart'],
  );
  assert.equal([found.from, found.to, found.active], [build, build, build]);
  assert.equal([found.steps, found.checks, found.failure, found.downtime_ms], [[], [], null, 0]);
});
