import * as assert from 'uvu/assert';
import { decideRetention, type KeepReason, type RetentionFacts } from '../../lib/builds/retention.ts';
import { suite } from '../suite.ts';

const test = suite('builds/retention');

/** Builds 1, 2, 3 … by age. */
const id = (number: number): string => `dist.20260203-15${String(number).padStart(4, '0')}`;
const numberOf = (build: string): number => Number(build.slice(-4));
const ids = (...numbers: number[]): string[] => numbers.map(id);
const upTo = (last: number): number[] => Array.from({ length: last }, (_, at) => at + 1);

interface Case {
  builds?: number[];
  current: number;
  previous?: number | null;
  /** the newest proof first */
  proven?: number[];
  quarantined?: number[];
  broken?: number[];
  links?: number[];
  /** put there after current, although their names are older */
  later?: number[];
  protectedBy?: [number, KeepReason][];
  keep?: number;
}

/** What goes, by number, and why each of the others stays. */
async function decided({
  builds = upTo(12),
  current,
  ...facts
}: Case): Promise<{ go: number[]; stay: Record<number, KeepReason> }> {
  const asked: RetentionFacts = {
    entries: builds.map((number) => ({ id: id(number), isDirectory: !facts.links?.includes(number) })),
    current: id(current),
    previous: facts.previous ? id(facts.previous) : null,
    proven: ids(...(facts.proven ?? [])),
    quarantined: new Set(ids(...(facts.quarantined ?? []))),
    protectedBy: new Map((facts.protectedBy ?? []).map(([number, reason]) => [id(number), reason])),
    keep: facts.keep ?? 2,
    isAddedLater: async (build) => facts.later?.includes(numberOf(build)) ?? false,
    isWhole: async (build) => !facts.broken?.includes(numberOf(build)) && !facts.links?.includes(numberOf(build)),
  };
  const { stay, go } = await decideRetention(asked);
  assert.is(stay.size + go.size, builds.length, 'each build either stays or goes');
  const numbers = [...go.keys()].map(numberOf).toSorted((a, b) => a - b);
  return { go: numbers, stay: Object.fromEntries([...stay].map(([build, reason]) => [numberOf(build), reason])) };
}

test('W3: current, previous and keep good ones stay, the older ones go', async () => {
  const { go, stay } = await decided({ current: 12, previous: 11, proven: upTo(12).toReversed() });
  assert.equal(go, upTo(8));
  assert.equal(stay, { 12: 'current', 11: 'previous', 10: 'place', 9: 'place' });
});

test('W3: fewer good builds than places: nothing goes', async () => {
  assert.equal((await decided({ builds: upTo(4), current: 4, previous: 3, proven: [4, 3, 2, 1] })).go, []);
  assert.equal((await decided({ builds: [1], current: 1, proven: [1], keep: 0 })).go, []);
});

test('W3: what was added after a build that is dated in the future stays until it is tried', async () => {
  const { go, stay } = await decided({ current: 12, previous: 11, proven: [12, 11], keep: 0, later: [5, 6, 11] });
  assert.equal([go, stay], [[1, 2, 3, 4, 7, 8, 9, 10], { 5: 'newer', 6: 'newer', 11: 'previous', 12: 'current' }]);
});

test('W3: keep = 0 leaves current and previous', async () => {
  const { go } = await decided({ current: 12, previous: 11, proven: upTo(12).toReversed(), keep: 0 });
  assert.equal(go, upTo(10));
});

test('W3: what failed or was never tried takes no place from a good build', async () => {
  const { go, stay } = await decided({
    current: 9,
    previous: 7,
    proven: [9, 7, 3, 2, 1],
    quarantined: [4, 5, 6, 8, 10, 11, 12],
  });
  assert.equal([stay[3], stay[2]], ['place', 'place']);
  assert.equal(go, [1, 4, 5, 6, 8, 10]);
  assert.equal([stay[12], stay[11]], ['quarantined', 'quarantined']);
});

test('W3: the places go by the last proof, as a rollback does, not by age', async () => {
  const { go, stay } = await decided({ builds: upTo(8), current: 2, previous: 8, proven: [2, 8, 7, 1, 6, 5, 4, 3] });
  assert.equal(stay, { 2: 'current', 8: 'previous', 7: 'place', 1: 'place' });
  assert.equal(go, [3, 4, 5, 6]);
});

test('W3: an untried build newer than current never goes', async () => {
  const { go, stay } = await decided({ current: 4, previous: 3, proven: [4, 3, 2, 1], keep: 0 });
  assert.equal(go, [1, 2]);
  assert.equal(new Set([5, 6, 7, 8, 9, 10, 11, 12].map((number) => stay[number])), new Set(['newer']));
});

test('W3: older untried builds have the places that good ones leave, the newest first', async () => {
  const { go, stay } = await decided({ current: 12, previous: 6, proven: [12, 6, 2], keep: 3 });
  assert.equal(stay, { 12: 'current', 6: 'previous', 2: 'place', 11: 'place', 10: 'place' });
  assert.equal(go, [1, 3, 4, 5, 7, 8, 9]);
});

test('W3: a build that was good and failed later comes after the good and before the untried ones', async () => {
  const { go, stay } = await decided({
    current: 12,
    previous: 11,
    proven: [12, 11, 5, 4, 3],
    quarantined: [3, 4, 9, 10],
    keep: 2,
  });
  assert.equal(stay, { 12: 'current', 11: 'previous', 5: 'place', 4: 'place', 10: 'quarantined', 9: 'quarantined' });
  assert.equal(go, [1, 2, 3, 6, 7, 8]);
});

test('S8: the state is lost: nothing goes that may be the way back', async () => {
  const { go, stay } = await decided({ current: 11, previous: 10, proven: [], keep: 0 });
  assert.equal(go, []);
  assert.is(stay[1], 'no_way_back');
  assert.equal(
    (await decided({ current: 11, previous: 10, proven: [11], keep: 0 })).go,
    [],
    'current alone is no way back',
  );
});

test('S8: the state is lost and two were proven since: the newest older ones stay', async () => {
  const { go } = await decided({ current: 12, previous: 11, proven: [12, 11], keep: 3 });
  assert.equal(go, upTo(7));
});

test('S8: the only other proven build is not whole: nothing older goes', async () => {
  const { go, stay } = await decided({ current: 12, previous: 11, proven: [12, 11], broken: [11], keep: 0 });
  assert.equal(go, []);
  assert.is(stay[10], 'no_way_back');
});

test('S8: the previous build is not whole: the next proven one stays whatever keep is', async () => {
  const { go, stay } = await decided({ current: 12, previous: 11, proven: [12, 11, 10, 9], broken: [11], keep: 0 });
  assert.equal([stay[11], stay[10], go.includes(9)], ['previous', 'last_proven', true]);
});

test('S8: the way back is in quarantine: nothing that was never refused goes', async () => {
  const { go } = await decided({ builds: upTo(6), current: 6, previous: 5, proven: [6, 4], quarantined: [4], keep: 0 });
  assert.equal(go, []);
});

test('W3: refused builds go, all but two, even where no other one is proven', async () => {
  const { go } = await decided({
    builds: upTo(6),
    current: 2,
    previous: 1,
    proven: [2],
    quarantined: [3, 4, 5, 6],
    keep: 0,
  });
  assert.equal(go, [3, 4]);
});

test('W3: a build that is not whole takes no place, and goes when it is old', async () => {
  const { go, stay } = await decided({
    builds: upTo(8),
    current: 8,
    previous: 7,
    proven: [8, 7, 6, 5, 4],
    broken: [6, 3],
  });
  assert.equal([stay[5], stay[4]], ['place', 'place']);
  assert.equal(go, [1, 2, 3, 6]);
});

test('W3: a build that is not whole and newer than current may still be on its way in', async () => {
  const { go } = await decided({
    builds: upTo(8),
    current: 7,
    previous: 6,
    proven: upTo(7).toReversed(),
    broken: [8],
    keep: 5,
  });
  assert.equal(go, []);
});

test('W3: links and files with a name like a build are left alone', async () => {
  const { go, stay } = await decided({
    builds: upTo(5),
    current: 5,
    previous: 4,
    proven: [5, 4, 3, 2, 1],
    links: [1],
    keep: 0,
  });
  assert.equal([go, stay[1]], [[2, 3], 'not_a_directory']);
});

test('S8: what a run in flight names stays, and so does what served before', async () => {
  const protectedBy: [number, KeepReason][] = [
    [1, 'in_flight'],
    [2, 'served_before'],
    [99, 'in_flight'],
  ];
  const { go, stay } = await decided({
    current: 12,
    previous: 11,
    proven: upTo(12).toReversed(),
    keep: 0,
    protectedBy,
  });
  assert.equal([stay[1], stay[2], stay[99]], ['in_flight', 'served_before', undefined]);
  assert.equal(go, [3, 4, 5, 6, 7, 8, 9, 10]);
});

test('S8: the last proven build stays although it is refused by now', async () => {
  const { stay } = await decided({
    current: 12,
    previous: 10,
    proven: [3, 12, 10, 9],
    quarantined: [3, 4, 5],
    keep: 0,
  });
  assert.is(stay[3], 'last_proven');
});

test('W3: the current build may be refused, or unknown to every ledger', async () => {
  const { stay } = await decided({ current: 12, previous: 11, proven: [11, 10], quarantined: [12], keep: 0 });
  assert.is(stay[12], 'current');
});

test('W3: builds of one second are ordered by their number', async () => {
  const names = ['', '-2', '-9', '-10'].map((end) => `dist.20260203-150000${end}`);
  const facts: RetentionFacts = {
    entries: names.toReversed().map((name) => ({ id: name, isDirectory: true })),
    current: 'dist.20260203-150000-9',
    previous: null,
    proven: ['dist.20260203-150000-9', 'dist.20260203-150000-2'],
    quarantined: new Set(),
    protectedBy: new Map(),
    keep: 0,
    isAddedLater: async () => false,
    isWhole: async () => true,
  };
  const { stay, go } = await decideRetention(facts);
  assert.equal([[...go.keys()], stay.get('dist.20260203-150000-10')], [['dist.20260203-150000'], 'newer']);
});

test('S8: no state, however odd, lets the way back go', async () => {
  let seed = 20260203;
  const random = (most: number): number => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * most);
  };
  const some = (): number[] => upTo(12).filter(() => random(3) === 0);
  for (let round = 0; round < 3000; round += 1) {
    const proven = some().toSorted(() => random(3) - 1);
    const [quarantined, broken] = [some(), some()];
    const current = 1 + random(12);
    const [previous] = [...proven, ...upTo(12).toReversed()].filter(
      (one) => one !== current && !quarantined.includes(one),
    );
    const asked: Case = { current, previous: previous ?? null, proven, quarantined, broken, keep: random(4) };
    const { stay } = await decided(asked);
    const stays = (number: number | undefined): boolean => number === undefined || stay[number] !== undefined;
    assert.ok(stays(current) && stays(previous) && stays(proven[0]), JSON.stringify(asked));
    const good = proven.filter((one) => one !== current && !quarantined.includes(one) && !broken.includes(one));
    assert.ok(stays(good[0]), JSON.stringify(asked));
    assert.ok(
      good
        .filter((one) => one !== previous)
        .slice(0, asked.keep)
        .every(stays),
      JSON.stringify(asked),
    );
    const isKnown = good.length > 0;
    const untried = upTo(12).filter((one) => !proven.includes(one) && !quarantined.includes(one));
    assert.ok(untried.filter((one) => one > current || !isKnown).every(stays), JSON.stringify(asked));
  }
});

test('W3: ten thousand builds are decided in little time', async () => {
  const all = upTo(9999);
  const began = performance.now();
  const { go } = await decided({ builds: all, current: 9999, previous: 9998, proven: all.toReversed(), keep: 5 });
  const tookMs = performance.now() - began;
  console.log(`10 000 builds decided in ${tookMs.toFixed(0)} ms`);
  assert.is(go.length, 9992);
  assert.ok(tookMs < 20_000, `${tookMs} ms`);
});
