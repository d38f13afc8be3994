import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { isCutoverError, messageOf } from '../../../lib/base/errors.ts';
import { readSource, type UnitSource } from '../../../lib/deployer/init/strategy/unit-source.ts';
import { suite, type TestContext } from '../../suite.ts';

const test = suite('deployer/init unit source');
const unit = 'shop.service';

interface Files {
  fragmentPath: string;
  beside: string;
  read: () => Promise<UnitSource>;
}

/** A unit with lines beside its file, as systemd has read them. */
async function withLines(t: TestContext): Promise<Files> {
  const folder = await mkdtemp(join(tmpdir(), 'cutover-unit-'));
  t.cleanup(() => rm(folder, { recursive: true, force: true }));
  const [fragmentPath, beside] = [join(folder, unit), join(folder, `${unit}.d`, 'more.conf')];
  await mkdir(join(folder, `${unit}.d`));
  await writeFile(fragmentPath, '[Service]\nExecStart=/bin/true\n', { mode: 0o644 });
  await writeFile(beside, '[Service]\nEnvironment=KEY=secret\n', { mode: 0o600 });
  const systemd = { property: async () => [beside] };
  const facts = { unit, fragmentPath };
  return { fragmentPath, beside, read: () => readSource(systemd, facts, { manager: 'system', isWanted: () => true }) };
}

test('the texts in the order in which systemd reads them, and no more rights than any of them gives', async (t) => {
  const { read } = await withLines(t);
  const { texts, mode } = await read();
  assert.equal([texts.map((text) => text.includes('KEY')), mode], [[false, true], 0o600]);
});

test('a file that somebody removed and systemd still knows is a refusal, with the command that mends it', async (t) => {
  for (const which of ['fragmentPath', 'beside'] as const) {
    const files = await withLines(t);
    await rm(files[which]);
    const error: unknown = await files.read().catch((thrown: unknown) => thrown);
    assert.ok(isCutoverError(error, 'refused'), messageOf(error));
    assert.match(error.message, `${files[which]} is not there any more`);
    assert.is(error.mend, 'systemctl daemon-reload, and again');
  }
});
