// needs: sandbox
import { writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { Behaviour } from '../services/builds.ts';
import { suite } from '../suite.ts';
import { unwell } from './running.ts';
import { buildId, makeSite } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/within limits');
const [first, second] = [buildId(1), buildId(2)];
/** Long enough for what a build does after it listens. */
const health = ['healthy_for = "1s"'];
/** A build that is never well is looked at until the journal has taken in what it writes, however late that is. */
const longHealth = ['attempts = 600'];

/** Each start writes files, which takes its time on a slow disk. */
const large = ['ExecStartPre=/bin/dd if=/dev/zero of=large bs=1M count=200 conv=fsync'];
const start = ['timeout = "60s"'];

interface Case {
  name: string;
  build: Behaviour;
  service?: string[];
  /** lines of the table `limits`, and what is wrong with the build then; null: it is within them */
  judged: [limits: string[], problem: RegExp | null][];
}

const cases: Case[] = [
  {
    name: 'memory',
    build: { mode: 'eat_memory', megabytes: 400 },
    judged: [
      [['memory = "150M"', 'memory_spike = 0'], /uses [\d.]+[KM] of memory, over its limit of 150M/],
      [['memory = "2G"'], /over 3 times the .* of the build before/],
      [['memory = "2G"', 'memory_spike = 0'], null],
    ],
  },
  {
    name: 'memory, and files that the kernel keeps at hand',
    build: {},
    service: large,
    judged: [[['memory = "150M"', 'memory_spike = 0'], null]],
  },
  {
    name: 'memory, beside such files of the build before',
    build: { mode: 'eat_memory', megabytes: 200 },
    service: large,
    judged: [[['memory = "2G"'], /over 3 times the .* of the build before/]],
  },
  {
    name: 'memory, by the MemoryMax= of the unit',
    build: { mode: 'eat_memory', megabytes: 960 },
    service: ['MemoryMax=1G'],
    judged: [
      [['memory_spike = 0'], /over its limit of 921\.6M/],
      [['memory_spike = 0', 'memory = "1G"'], null],
    ],
  },
  {
    name: 'journal_errors',
    build: { mode: 'log_errors', lines: 1 },
    judged: [
      [[], /logged [12] errors since its start: error 1: the database does not answer/],
      [['journal_errors = 1'], /logged 2 errors since its start/],
      [['journal_errors = 2'], null],
    ],
  },
  {
    name: 'journal_pattern',
    build: { mode: 'log_errors', message: 'out of patience' },
    judged: [
      [['journal_errors = -1', 'journal_pattern = "out of (patience|paper)"'], /must not appear: error 1/],
      [['journal_errors = 5', 'journal_pattern = "out of paper"'], /logged 6 errors/],
      [['journal_errors = 6', 'journal_pattern = "out of paper"'], null],
    ],
  },
  {
    name: 'a journal_pattern that comes to no end',
    build: { mode: 'log_errors', message: `${'a'.repeat(60)}!` },
    judged: [
      [['journal_errors = -1', 'journal_pattern = "(a+)+$"'], /journal_pattern cannot be tried .* came to no end/],
    ],
  },
];

for (const { name, build, service, judged } of cases) {
  test(`S3, S4: ${name}: refused over it, deployed within it`, async (t) => {
    const site = await makeSite(t, { builds: [{}, build], service, tables: { start } });
    for (const [limits, problem] of judged) {
      const isOfJournal = problem !== null && build.mode === 'log_errors';
      const behaviour: Behaviour = isOfJournal ? { ...build, ...unwell } : build;
      const path = site.sandbox.hostPath(`${site.builds}/${second}/behaviour.json`);
      await writeFile(path, JSON.stringify(behaviour));
      await site.configure({ tables: { start, health: isOfJournal ? longHealth : health, limits } });
      const called = await site.call('deploy', [second]);
      const { outcome, active, failure } = called.document;
      const expected = problem === null ? [0, 'deployed', second] : [4, 'rolled_back', first];
      assert.equal([called.code, outcome, active], expected, called.stderr);
      if (problem !== null) assert.match(failure?.message ?? '', problem);
      await assertSound(site, active, called);
    }
  });
}

test('S3: a build that is well and logs errors', async (t) => {
  const site = await makeSite(t, { builds: [{}, { mode: 'log_errors' }] });
  // Longer than the journal needs to take them in.
  await site.configure({ tables: { health: ['healthy_for = "15s"'] } });
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.failure?.reason], [4, 'journal'], called.stderr);
  await assertSound(site, first, called);
});

test('S3: what the build before wrote says nothing about the new one', async (t) => {
  const site = await makeSite(t, { builds: [{ mode: 'log_errors' }, {}], isDeployed: false });
  await site.configure({ tables: { limits: ['journal_errors = -1'] } });
  assert.is((await site.call('deploy', [first])).code, 0);
  await site.configure({ tables: { health, limits: ['journal_errors = 0', 'journal_pattern = "does not answer"'] } });
  const called = await site.call('deploy', [second]);
  assert.equal([called.code, called.document.active], [0, second], called.stderr);
  await assertSound(site, second, called);
});
