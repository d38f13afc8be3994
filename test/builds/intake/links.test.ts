import { mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { errnoOf } from '../../../lib/base/errors.ts';
import { Leads } from '../../../lib/builds/intake/links.ts';
import { openController } from '../../../lib/base/wait.ts';
import { readTree } from '../../../lib/builds/tree.ts';
import { suite } from '../../suite.ts';
import { makeDirectory } from '../directory.ts';

const test = suite('builds/intake/links');

const rounds = 150;

test('P1: of thousands of links made by chance none that the kernel leads out counts as inside', async (t) => {
  const around = realpathSync(await makeDirectory(t));
  const seed = Date.now() % 1_000_000;
  const random = randomFrom(seed);
  const seen: Record<string, number> = {};
  for (let round = 0; round < rounds; round += 1) {
    const build = join(around, `b${round}`);
    makeTree(build, random);
    const tree = await readTree(build, { signal: openController().signal });
    const leads = new Leads(tree);
    for (const [path, { kind, to }] of tree) {
      if (kind !== 'link') continue;
      const lead = leads.of(path);
      const { real, errno } = realOf(join(build, path));
      seen[lead] = (seen[lead] ?? 0) + 1;
      const isInside = real === null ? null : `${real}/`.startsWith(`${build}/`);
      const what = `seed ${seed}, round ${round}: ${path} -> ${to} is ${lead}, and leads to ${real ?? errno}`;
      // A file with "/." behind it, or behind a link to it, is no folder to the kernel.
      if (lead === 'inside') assert.ok(isInside ?? errno === 'ENOTDIR', what);
      if (lead === 'nothing' || lead === 'circles') assert.is(real, null, what);
      // What is called outside may come back in, or lead to nothing out there.
      if (isInside === false) assert.is(lead, 'outside', what);
    }
    rmSync(build, { recursive: true });
  }
  console.log(seen);
  for (const lead of ['inside', 'nothing', 'outside', 'circles']) assert.ok((seen[lead] ?? 0) > 0, lead);
});

test('P1: a link to a link that is absolute leads out, wherever that would be', () => {
  const tree = new Map([
    ['a', { kind: 'link' as const, to: 'b' }],
    ['b', { kind: 'link' as const, to: '/b' }],
  ]);
  const leads = new Leads(tree);
  assert.equal([leads.of('a'), leads.of('b')], ['outside', 'outside']);
});

/** Counts how often something is looked up. */
class CountingTree extends Map<string, { kind: 'link' | 'directory' | 'file'; to: string }> {
  looks = 0;

  override get(path: string) {
    this.looks += 1;
    return super.get(path);
  }
}

test('P1: what lies behind a link is found out once, however many links lead to it', () => {
  const tree = new CountingTree();
  const depth = 60;
  for (let at = 1; at <= depth; at += 1) tree.set(Array(at).fill('a').join('/'), { kind: 'directory', to: '' });
  const folder = Array(depth - 1)
    .fill('a')
    .join('/');
  const longWay = 'a/../'.repeat(200);
  const links = 39;
  for (let at = 1; at <= links; at += 1)
    tree.set(`${folder}/l${at}`, { kind: 'link', to: `${longWay}${at === links ? 'file' : `l${at + 1}`}` });
  tree.set(`${folder}/file`, { kind: 'file', to: '' });
  const heads = Array.from({ length: 20_000 }, (_, at) => `${folder}/head${at}`);
  for (const head of heads) tree.set(head, { kind: 'link', to: 'l1' });
  const leads = new Leads(tree);
  assert.equal([...new Set(heads.map((head) => leads.of(head)))], ['inside']);
  // Each name of each link once, and the link itself.
  assert.ok(tree.looks <= links * 202 + heads.length * 2, String(tree.looks));
  tree.set(`${folder}/further`, { kind: 'link', to: 'head0' });
  assert.is(leads.of(`${folder}/further`), 'circles', 'one more than the kernel follows');
});

test('P1: a chain without end is followed no further than the kernel does, wherever it is entered', () => {
  const tree = new CountingTree();
  const count = 100_000;
  for (let at = 0; at < count; at += 1) tree.set(`l${at}`, { kind: 'link', to: `l${at + 1}` });
  const leads = new Leads(tree);
  assert.is(leads.of('l0'), 'circles');
  assert.ok(tree.looks < 200, String(tree.looks));
  // To nothing, and not further than the kernel goes.
  assert.equal([leads.of(`l${count - 40}`), leads.of(`l${count - 41}`)], ['nothing', 'circles']);
  assert.equal([leads.of(`l${count - 1}`), leads.of(`l${count - 41}`)], ['nothing', 'circles']);
});

function makeTree(build: string, random: (below: number) => number): void {
  const folders = ['', 'a', 'a/b', 'a/b/c', 'd'];
  for (const folder of folders) mkdirSync(join(build, folder), { recursive: true });
  for (const folder of folders) writeFileSync(join(build, folder, 'file'), '');
  for (let at = 0; at < 12; at += 1) {
    const names = Array.from(
      { length: 1 + random(5) },
      () => ['..', '..', 'a', 'b', 'c', 'd', 'file', '.', 'none', `l${random(12)}`][random(10)],
    );
    symlinkSync(names.join('/'), join(build, folders[random(folders.length)] as string, `l${at}`));
  }
}

/** @returns `real` null, and why, for a link that leads to nothing, or in circles */
function realOf(path: string): { real: string | null; errno?: string | undefined } {
  try {
    return { real: realpathSync.native(path) };
  } catch (error) {
    return { real: null, errno: errnoOf(error) };
  }
}

function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
}
