/** `npm run bench:intake`: takes 1 GB in beside GNU tar, lists 10 000 builds, and writes `bench/intake.md`. `INTAKE_ROUNDS=1` for a look. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runToEnd, time } from '../process.ts';
import { makeArchives, type Packed } from './archive.ts';
import { makeBuilds, timesOf } from './listing.ts';
import { peakOf } from './memory.ts';
import { type IntakeSamples, intakeText, type ListingSamples } from './page.ts';

const here = dirname(fileURLToPath(import.meta.url));
const cutover = [process.execPath, join(dirname(dirname(here)), 'bin/cutover.js')];
const rounds = Number(process.env.INTAKE_ROUNDS ?? 7);
const place = await mkdtemp(join(process.env.INTAKE_DIRECTORY ?? tmpdir(), 'cutover-intake-'));
const [builds, plain] = [join(place, 'builds'), join(place, 'plain')];

try {
  const config = `app = "bench"\nstate = "${place}/state"\n[targets.bench]\nunit = "bench.service"\nbuilds = "${builds}"\n`;
  await writeFile(join(place, 'cutover.toml'), config);
  const samples: IntakeSamples[] = [];
  const listing = await measureListing();
  for (const packed of await makeArchives(place)) {
    samples.push(await measure(packed));
    // Who ends it early, since it takes long, has what was measured so far.
    const [load = 0] = loadavg();
    await writeFile(join(dirname(here), 'intake.md'), intakeText(samples, { listing, rounds, load }));
  }
} finally {
  await rm(place, { recursive: true });
}

async function measure(packed: Packed): Promise<IntakeSamples> {
  const { name, bytes, path, options } = packed;
  const tar = ['tar', '--extract', ...options, '--file', path, '--directory', plain];
  const add = [...cutover, 'add', path, '--config', join(place, 'cutover.toml')];
  const ways: Record<'tarMs' | 'durableMs' | 'addMs', readonly string[]> = {
    tarMs: tar,
    durableMs: ['sh', '-c', '"$@" && sync --file-system .', 'sh', ...tar],
    addMs: add,
  };
  const samples: IntakeSamples = { name, bytes, tarMs: [], durableMs: [], addMs: [], addPeakBytes: 0, tarPeakBytes: 0 };
  const names = Object.keys(ways) as (keyof typeof ways)[];
  for (let round = 0; round < rounds; round += 1) {
    for (const way of rotated(names, round)) {
      await clean(path);
      const { ms, exitCode, output } = await time(ways[way], { timeoutMs: 600_000 });
      if (exitCode !== 0) throw new Error(output);
      samples[way].push(ms);
      console.log(`${name} round ${round + 1} ${way} ${(ms / 1000).toFixed(1)} s`);
    }
  }
  await clean(path);
  samples.addPeakBytes = await peakOf(add);
  await clean(path);
  samples.tarPeakBytes = await peakOf(tar);
  return samples;
}

/** Empty directories, a written-out disk, and the archive in memory: the same for all. */
async function clean(archive: string): Promise<void> {
  for (const directory of [builds, plain]) {
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory);
  }
  await runToEnd(['sync', '--file-system', place]);
  await runToEnd(['sh', '-c', 'cat "$1" > /dev/null', 'sh', archive]);
}

async function measureListing(): Promise<ListingSamples> {
  await rm(builds, { recursive: true, force: true });
  await mkdir(builds);
  makeBuilds(builds);
  const list = [...cutover, 'builds', '--config', join(place, 'cutover.toml')];
  await timesOf(list, 1);
  const nodeMs = await timesOf([process.execPath, '-e', '0'], rounds);
  const [buildsMs, jsonMs] = [await timesOf(list, rounds), await timesOf([...list, '--json'], rounds)];
  console.log(`${(await readdir(builds)).length} builds: ${buildsMs.map(Math.round).join(' ')} ms`);
  return { nodeMs, buildsMs, jsonMs, peakBytes: await peakOf(list) };
}

function rotated<T>(values: readonly T[], by: number): T[] {
  const from = by % values.length;
  return [...values.slice(from), ...values.slice(0, from)];
}
