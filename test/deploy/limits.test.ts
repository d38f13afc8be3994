import * as assert from 'uvu/assert';
import type { LimitsConfig } from '../../lib/config/model.ts';
import { judgeCpu, judgeJournal, judgeMemory } from '../../lib/deploy/limits.ts';
import { tooShortForCpu, unmeasured, unseenJournal } from '../../lib/deploy/unjudged.ts';
import { suite } from '../suite.ts';
import { factsWith } from '../systemd/facts.ts';

const test = suite('deploy/limits');
const M = 1024 * 1024;
const limits: LimitsConfig = {
  diskUsed: { percent: 80 },
  memoryAvailable: { bytes: 500 * M },
  memoryBytes: null,
  memorySpike: 3,
  cpuPercent: null,
  journalErrors: 0,
  journalPattern: null,
};

interface MemoryCase {
  used: number | null;
  limit?: number;
  max?: number;
  before?: number;
  spike?: number;
  problem: RegExp | null;
}

const memoryCases: Record<string, MemoryCase> = {
  'nothing is known': { used: null, limit: M, before: M, problem: null },
  'no limit at all': { used: 9000 * M, problem: null },
  'at its limit': { used: 512 * M, limit: 512 * M, problem: null },
  'over its limit': {
    used: 513 * M,
    limit: 512 * M,
    problem: /app\.service uses 513M of memory, over its limit of 512M/,
  },
  'at 90 % of MemoryMax=': { used: 90 * M, max: 100 * M, problem: null },
  'over 90 % of MemoryMax=': { used: 91 * M, max: 100 * M, problem: /uses 91M of memory, over its limit of 90M/ },
  'a limit of its own counts instead of MemoryMax=': { used: 99 * M, limit: 99 * M, max: 100 * M, problem: null },
  'three times the build before': { used: 300 * M, before: 100 * M, problem: null },
  'over three times the build before': {
    used: 301 * M,
    before: 100 * M,
    problem: /uses 301M of memory, over 3 times the 100M of the build before/,
  },
  'another multiple': { used: 151 * M, before: 100 * M, spike: 1.5, problem: /over 1\.5 times the 100M/ },
  'the multiple is off': { used: 9000 * M, before: M, spike: 0, problem: null },
  'many times a small build, and small itself': { used: 64 * M, before: 2 * M, problem: null },
  'many times a small build': { used: 65 * M, before: 2 * M, problem: /uses 65M of memory, over 3 times the 2M/ },
  'the limit counts although the multiple is off': { used: 2 * M, limit: M, spike: 0, problem: /over its limit of 1M/ },
};

for (const [name, { used, limit, max, before, spike, problem }] of Object.entries(memoryCases)) {
  test(`S3: memory, ${name}`, () => {
    const facts = factsWith({ memoryBytes: used, memoryMaxBytes: max ?? null });
    const own = { ...limits, memoryBytes: limit ?? null, memorySpike: spike ?? limits.memorySpike };
    const failure = judgeMemory(facts, own, before ?? null);
    if (problem === null) return assert.is(failure, null);
    assert.is(failure?.reason, 'memory');
    assert.match(failure?.message ?? '', problem);
  });
}

interface CpuCase {
  limit: number | null;
  /** nanoseconds of a processor at the mark and now */
  ns: [number | null, number | null];
  elapsedMs: number;
  problem: RegExp | null;
}

const second = 1e9;
const cpuCases: Record<string, CpuCase> = {
  'no limit': { limit: null, ns: [0, 80 * second], elapsedMs: 2000, problem: null },
  'not measured at the mark': { limit: 50, ns: [null, 80 * second], elapsedMs: 2000, problem: null },
  'not measured now': { limit: 50, ns: [0, null], elapsedMs: 2000, problem: null },
  'the burst of a start': { limit: 50, ns: [0, 2 * second], elapsedMs: 999, problem: null },
  'at the limit': { limit: 200, ns: [3 * second, 7 * second], elapsedMs: 2000, problem: null },
  'over the limit': {
    limit: 200,
    ns: [3 * second, 7.1 * second],
    elapsedMs: 2000,
    problem: /app\.service uses 205 % of a processor over 2\.0 s, over its limit of 200 %/,
  },
  'a part of a processor': { limit: 25, ns: [0, 0.3 * second], elapsedMs: 1000, problem: /uses 30 % .* limit of 25 %/ },
};

for (const [name, { limit, ns, elapsedMs, problem }] of Object.entries(cpuCases)) {
  test(`S3: processor time, ${name}`, () => {
    const [before, now] = ns;
    const mark = { atMs: 5000, cpuNs: before };
    const failure = judgeCpu(factsWith({ cpuNs: now }), { ...limits, cpuPercent: limit }, mark, 5000 + elapsedMs);
    if (problem === null) return assert.is(failure, null);
    assert.is(failure?.reason, 'cpu');
    assert.match(failure?.message ?? '', problem);
  });
}

test('S3: a journal that nothing is asked of is not read', async () => {
  const aborted = AbortSignal.abort(new Error('read although nothing is asked'));
  const off = { ...limits, journalErrors: -1 };
  const verdict = await judgeJournal(factsWith(), { limits: off, manager: 'system', signal: aborted });
  assert.equal(verdict, { failure: null, isUnread: false });
  assert.is(await unseenJournal('app.service', { limits: off, manager: 'system', signal: aborted }), null);
});

test('S3: a limit that cannot be judged is told with the reason, one that is off is not', () => {
  const nothing = factsWith({ memoryBytes: null, cpuNs: null });
  const off = { ...limits, memorySpike: 0 };
  const told = (changed: Partial<LimitsConfig>, manager: 'system' | 'user' = 'system'): string[] =>
    unmeasured(nothing, { limits: { ...off, ...changed }, manager });
  const start = 'the memory of app.service is not measured, so';
  assert.equal(told({}), []);
  assert.equal(told({ memoryBytes: M }), [`${start} limits.memory cannot be judged: MemoryAccounting= is off`]);
  assert.match(told({ memorySpike: 3 })[0] ?? '', `${start} limits.memory_spike cannot be judged`);
  const both = told({ memoryBytes: M, memorySpike: 3 }, 'user');
  assert.is(both.length, 1);
  assert.match(
    both[0] ?? '',
    `limits.memory and limits.memory_spike cannot be judged: the user's manager has no memory`,
  );
  assert.match(told({ cpuPercent: 50 })[0] ?? '', 'limits.cpu cannot be judged: CPUAccounting= is off');
  assert.match(told({ cpuPercent: 50 }, 'user')[0] ?? '', "the user's manager has no cpu controller");
  const all = { ...limits, memoryBytes: M, cpuPercent: 50 };
  assert.equal(unmeasured(factsWith(), { limits: all, manager: 'user' }), []);
});

test('S3: a gate too short to judge a load says so', () => {
  const withCpu = { ...limits, cpuPercent: 50 };
  assert.is(tooShortForCpu(limits, 40), null);
  assert.is(tooShortForCpu(withCpu, 1000), null);
  assert.match(tooShortForCpu(withCpu, 999) ?? '', /limits\.cpu was not judged, .* set health\.healthy_for = "1s"/);
});
