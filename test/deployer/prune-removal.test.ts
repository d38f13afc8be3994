import { chown, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { removeItems } from '../../lib/deployer/prune-removal.ts';
import { emptyReport, type PrunedItem, type PrunedKind } from '../../lib/deployer/prune-report.ts';
import { requireRoot } from '../root.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('deployer/prune removal');
const user = 54_321;
const { signal } = new AbortController();
const run = '20260203-150001-00aa';

/** Two states, the first of which is another user's. */
async function makeStates(t: TestContext): Promise<{ state: string; other: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'cutover-pruning-'));
  t.cleanup(() => rm(folder, { recursive: true }));
  for (const path of ['state/evidence', 'other/evidence'].map((name) => join(folder, name, run))) {
    await mkdir(path, { recursive: true });
    await writeFile(join(path, 'journal'), '');
  }
  await chown(join(folder, 'state'), user, user);
  return { state: join(folder, 'state'), other: join(folder, 'other') };
}

function itemOf(kind: PrunedKind, path: string): PrunedItem {
  return { kind, name: run, path, reason: null, size_bytes: null };
}

test('W3: evidence, ledgers and logs go, and gone ones are no failure', async (t) => {
  const { state } = await makeStates(t);
  const paths = {
    evidence: join(state, 'evidence', run),
    ledger: join(state, 'runs/x.jsonl'),
    log: join(state, 'log'),
  };
  await writeFile(paths.log, '');
  const items = Object.entries(paths).map(([kind, path]) => itemOf(kind as PrunedKind, path));
  const report = emptyReport({ name: 'production', keep: 5 }, false);
  assert.equal(await removeItems(items, { signal }, report), items);
  assert.equal([report.failed, report.exit_code], [[], 0]);
  assert.equal((await readdir(state, { recursive: true })).toSorted(), ['evidence']);
});

test('W4: a link that is put in the place of the evidence once all is decided leads root nowhere', async (t) => {
  requireRoot();
  const { state, other } = await makeStates(t);
  const item = itemOf('evidence', join(state, 'evidence', run));
  await rename(join(state, 'evidence'), join(state, 'away'));
  await symlink(join(other, 'evidence'), join(state, 'evidence'));
  const report = emptyReport({ name: 'production', keep: 5 }, false);
  assert.equal(await removeItems([item], { signal }, report), []);
  assert.match(report.failed[0]?.message ?? '', 'evidence is no directory, or a link');
  assert.is(report.exit_code, 1);
  assert.equal(await readdir(join(other, 'evidence', run)), ['journal']);
});
