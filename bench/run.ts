/** `npm run bench [-- --rounds N | --quick]`: measures on a throw-away systemd and writes results.md and results.json. */
import { cp, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bootSandbox } from '../lib/sandbox/sandbox.ts';
import type { Results } from './model.ts';
import { resultsText } from './report.ts';

const here = dirname(fileURLToPath(import.meta.url));
const repository = dirname(here);

const { values } = parseArgs({
  options: { rounds: { type: 'string' }, quick: { type: 'boolean' }, out: { type: 'string', default: here } },
});
const rounds = Number(values.rounds ?? (values.quick ? 3 : 10));
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds takes a whole number from 1 on');

const sandbox = await bootSandbox({ binds: [{ from: repository, to: repository, readonly: true }] });
try {
  // A copy, as an installed package is: a build of the repository in the meantime does not disturb the run.
  for (const part of ['bin', 'dist', 'package.json']) {
    await cp(join(repository, part), sandbox.hostPath(join('/srv/cutover', part)), { recursive: true });
  }
  const command = [process.execPath, '--import', 'tsx', 'bench/inside.ts', String(rounds)] as const;
  const measuring = await sandbox.spawn(command, { cwd: repository });
  measuring.stderr.pipe(process.stderr);
  const output = await text(measuring.stdout);
  const { code } = await measuring.ended;
  if (code !== 0) throw new Error(`the measurement ended with ${code}`);
  const results = JSON.parse(output) as Results;
  await writeFile(join(values.out, 'results.json'), `${JSON.stringify(results, null, 1)}\n`);
  await writeFile(join(values.out, 'results.md'), resultsText(results));
  process.stderr.write(`written: ${join(values.out, 'results.md')}\n`);
} finally {
  await sandbox.end();
}
