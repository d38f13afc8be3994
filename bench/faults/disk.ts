import * as assert from 'uvu/assert';
import { assertServes } from '../../test/crash/ended.ts';
import { startProber } from '../../test/crash/prober.ts';
import { crashSite } from '../../test/crash/site.ts';
import { buildId, makeSite, type Refusal, type Site } from '../../test/deploy/site.ts';
import { currentLink } from '../../test/deploy/sound.ts';
import type { RunDocument } from '../../lib/run/document.ts';
import type { TestContext } from '../../test/suite.ts';
import { type Row, Tally } from './rows.ts';

const mostPages = 12;

/** The state lies on a disk of so many pages that it is full at another write each time. */
export async function fullDisks(t: TestContext): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, behaviour] of [
    ['a good build', {}],
    ['a bad build', { mode: 'crash' }],
  ] as const) {
    const tally = new Tally(`the disk of the state is full, at each write: ${name}`);
    const site = await makeSite(t, { builds: [{}, behaviour] });
    const prober = await startProber(site);
    for (let pages = 1; pages <= mostPages; pages += 1) {
      await tally.play(async () => {
        const since = Date.now();
        const called = await deployOn(site, pages);
        const link = (await currentLink(site)) ?? '';
        assert.ok([0, 1, 4].includes(called.code ?? -1), `${pages} pages: exit ${called.code}`);
        assert.is(link, called.code === 0 ? buildId(2) : buildId(1));
        return prober.untilServes(link, since).then((ms) => (called.code === 1 ? 0 : ms));
      });
      if ((await currentLink(site)) === buildId(2)) await site.call('rollback', [buildId(1)]);
    }
    await prober.stop();
    rows.push(tally.row);
  }
  return rows;
}

async function deployOn(site: Site, pages: number) {
  const directory = `/var/lib/cutover/${site.app}`;
  await site.sandbox.run('mount', '-t', 'tmpfs', '-o', `size=${pages * 4096}`, 'small', directory);
  try {
    return await site.call<RunDocument | Refusal>('deploy', [buildId(2)]);
  } finally {
    await site.sandbox.run('umount', '--lazy', directory);
    await site.sandbox.run('rm', '-f', `${directory}/production/quarantine.json`);
  }
}

/** All begin at once: one works, the others are refused. */
export async function crowds(t: TestContext): Promise<Row[]> {
  const rows: Row[] = [];
  for (const number of [2, 4, 8]) {
    const tally = new Tally(`${number} deployers at once`);
    const site = await crashSite(t);
    for (let time = 0; time < 5; time += 1) {
      const to = await site.add({ mode: 'slow_start', startMs: 1500 });
      await tally.play(async () => {
        const calls = await Promise.all(Array.from({ length: number }, () => site.call('deploy')));
        const codes = calls.map(({ code }) => code).toSorted((one, other) => Number(one) - Number(other));
        assert.equal(codes, [0, ...Array.from({ length: number - 1 }, () => 75)]);
        await assertServes(site, to);
        return null;
      });
    }
    rows.push(tally.row);
  }
  return rows;
}
