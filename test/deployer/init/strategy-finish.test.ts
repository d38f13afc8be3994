import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { isCutoverError, messageOf } from '../../../lib/base/errors.ts';
import type { StrategyName } from '../../../lib/config/model.ts';
import { confirm } from '../../../lib/deployer/init/strategy/finish.ts';
import { type ChangeRecord, readRecord, stageRecord, writeRecord } from '../../../lib/deployer/init/strategy/record.ts';
import { endUnfinished } from '../../../lib/deployer/init/strategy/way-back.ts';
import type { Place } from '../../../lib/deployer/place.ts';
import { suite, type TestContext } from '../../suite.ts';

const test = suite('deployer/init strategy finish');
const remark = '  # by cutover init --strategy';
const head = 'app = "shop"\n[targets.production]\nunit = "shop.service"\nbuilds = "/srv/shop"\n';
const set = `${head}strategy = "socket"${remark}\n`;
const staging = '[targets.staging]\nunit = "b.service"\nbuilds = "/srv/b"\nstrategy = "socket"\n';

interface Proven {
  place: Place;
  record: ChangeRecord;
  path: string;
  now: () => Promise<string>;
}

/** A change that was proven, and what stands in the configuration by then. */
async function proven(
  t: TestContext,
  texts: { before: string | null; after: string; now: string | null },
  to: StrategyName = 'socket',
): Promise<Proven> {
  const folder = await mkdtemp(join(tmpdir(), 'cutover-strategy-'));
  t.cleanup(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'cutover.toml');
  if (texts.now !== null) await writeFile(path, texts.now);
  const paths = { directory: join(folder, 'shop/production') };
  const place = { paths, target: { name: 'production' }, config: { manager: 'system' } } as Place;
  const config = { path, before: texts.before, after: texts.after, mode: 0o644 };
  const what = { unit: 'shop.service', from: 'restart' as const, to, since: '', directory: folder, files: [] };
  return { place, record: { ...what, config, isProven: true }, path, now: () => readFile(path, 'utf8') };
}

async function confirmed({ place, record }: Proven): Promise<void> {
  await writeRecord(place.paths, { ...record, isProven: false });
  await confirm(place, record, await stageRecord(place.paths, record));
}

test('what somebody wrote in the configuration while the service moved stays beside the strategy', async (t) => {
  const found = await proven(t, { before: head, after: set, now: head + staging });
  await confirmed(found);
  assert.is(await found.now(), set + staging);
  assert.is(await readRecord(found.place.paths), null);
});

test('it stays too where the change was cut off after its proof', async (t) => {
  const found = await proven(t, { before: head, after: set, now: head + staging });
  await writeRecord(found.place.paths, found.record);
  const ended = await endUnfinished(found.place);
  assert.match(ended?.text ?? '', 'and was completed');
  assert.equal([await found.now(), ended?.failure], [set + staging, null]);
});

test('a text that was old when it was read does not bring the strategy before back', async (t) => {
  const found = await proven(t, { before: head, after: head, now: set }, 'restart');
  await confirmed(found);
  assert.is(await found.now(), head);
});

test('a file without the target is no place for its strategy: that is told until it has one', async (t) => {
  const found = await proven(t, { before: null, after: set, now: staging.replace('[', 'app = "b"\n[') });
  const theirs = await found.now();
  const error: unknown = await confirmed(found).catch((thrown: unknown) => thrown);
  assert.ok(isCutoverError(error, 'failed'), messageOf(error));
  assert.match(error.message, `${found.path} was written meanwhile, and has no target production for shop.service`);
  assert.match(error.mend ?? '', 'then again: cutover init shop.service --strategy socket');
  assert.is(await found.now(), theirs);
  await writeFile(found.path, theirs + head.replace('app = "shop"\n', ''));
  assert.is((await endUnfinished(found.place))?.failure, null);
  assert.match(await found.now(), `builds = "/srv/shop"\nstrategy = "socket"${remark}\n`);
});

test('a configuration that somebody took away is not written anew', async (t) => {
  const found = await proven(t, { before: head, after: set, now: null });
  await confirmed(found);
  assert.is(await found.now().catch(() => null), null);
});
