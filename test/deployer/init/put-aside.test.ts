import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type InstallRecord } from '../../../lib/deployer/init/install/record.ts';
import { sortOut } from '../../../lib/deployer/init/install/sorting.ts';
import type { InstallFile } from '../../../lib/deployer/init/install/unit-files.ts';
import { suite } from '../../suite.ts';

const test = suite('deployer/init put aside');

test('what was put aside once stays when it is done again', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cutover-aside-'));
  t.cleanup(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'cutover.rules');
  const file = { path, text: 'ours', mode: 0o644, known: [], isNeeded: false } as unknown as InstallFile;
  const record: InstallRecord = { files: { [path]: { digests: [], for: [] } }, units: {}, folders: [], grants: {} };
  const placeFor = async (text: string): Promise<string[]> => {
    await writeFile(path, text);
    const { aside } = await sortOut([file], { record, manager: 'system', isForced: true });
    for (const put of aside) await writeFile(put.path, put.text);
    return aside.map((put) => put.path);
  };
  assert.equal(await placeFor('first'), [`${path}.bak`]);
  assert.equal(await placeFor('second'), [`${path}.bak.2`]);
  assert.equal(await placeFor('third'), [`${path}.bak.3`]);
  assert.equal(await placeFor('second'), [`${path}.bak.2`]);
});
