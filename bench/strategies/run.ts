/**
 * `npm run bench:strategies [-- --rounds N | --quick] [--out DIR]`: measures the strategies under load on a throw-away
 * systemd and writes strategies.md and strategies.json; with `--quick` into a folder for temporary files.
 */
import { cp, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { bootSandbox } from '../../lib/sandbox/sandbox.ts';
import type { Results } from './model.ts';
import { resultsJson, resultsText } from './report.ts';

const bench = dirname(import.meta.dirname);
const repository = dirname(bench);

const { values } = parseArgs({
  options: { rounds: { type: 'string' }, quick: { type: 'boolean' }, out: { type: 'string' } },
});
const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds takes a whole number from 1 on');
const out = values.out ?? (values.quick ? await mkdtemp(join(tmpdir(), 'bench-strategies-')) : bench);
await mkdir(out, { recursive: true });

const sandbox = await bootSandbox({ binds: [{ from: repository, to: repository, readonly: true }] });
try {
  // A copy, as an installed package is: a build of the repository in the meantime does not disturb the run.
  for (const part of ['bin', 'dist', 'package.json']) {
    await cp(join(repository, part), sandbox.hostPath(join('/srv/cutover', part)), { recursive: true });
  }
  const inside = ['bench/strategies/inside.ts', String(rounds), values.quick ? 'quick' : 'whole'];
  const measuring = await sandbox.spawn([process.execPath, '--import', 'tsx', ...inside], { cwd: repository });
  measuring.stderr.pipe(process.stderr);
  const output = await text(measuring.stdout);
  const { code } = await measuring.ended;
  if (code !== 0) throw new Error(`the measurement ended with ${code}`);
  const results = JSON.parse(output) as Results;
  await writeFile(join(out, 'strategies.json'), resultsJson(results));
  await writeFile(join(out, 'strategies.md'), resultsText(results));
  process.stderr.write(`written: ${join(out, 'strategies.md')}\n`);
} finally {
  await sandbox.end();
}
