// needs: sandbox
// deadline: 15min
import { dirname } from 'node:path';
import * as assert from 'uvu/assert';
import { makeDatabaseSite, migration } from '../deploy/database-site.ts';
import type { Site } from '../deploy/site.ts';
import { currentLink } from '../deploy/sound.ts';
import { suite, type TestContext } from '../suite.ts';
import { assertKilled, endedBy, momentsOf } from './death.ts';
import { assertServes } from './ended.ts';
import { linesOf, placeOf } from './moments.ts';
import { crashSite } from './site.ts';
import { sweep } from './sweep.ts';

const test = suite('crash/database', { timeoutMs: 420_000 });
const bad = { mode: 'status' as const };

for (const strategy of [undefined, 'socket'] as const) {
  const another = (t: TestContext): Promise<Site> =>
    crashSite(t, {}, (context, options) => {
      const database = ['restore_on_rollback = true', 'verify = "SELECT count(*) FROM users"'];
      return makeDatabaseSite(context, { ...options, strategy, database, migrate: migration });
    });

  test(`B2, S8: the deployer is killed at every line of a run that migrates and fails (${strategy ?? 'restart'})`, async (t) => {
    const first = await another(t);
    await first.add(bad);
    const moments = linesOf(await momentsOf(first, 'deploy'));
    await assertNotMigrated(first);
    await sweep(moments, { first, another: () => another(t) }, async (site, moment) => {
      const from = (await currentLink(site)) ?? '';
      await site.add(bad);
      assertKilled(await endedBy(site, 'deploy', { deploy: [moment] }));
      await assertServes(site, from);
      await assertNotMigrated(site);
    });
  });

  test(`B2, S8: the settle after it is killed at every line as well (${strategy ?? 'restart'})`, async (t) => {
    const first = await another(t);
    await first.add(bad);
    const moments = linesOf(await momentsOf(first, 'deploy'));
    const failing = moments[placeOf(moments, /^step gate failed$/)]?.moment ?? '';
    await first.add(bad);
    const { settles } = await endedBy(first, 'deploy', { deploy: [failing] });
    await sweep(linesOf(settles[0]?.passed ?? []), { first, another: () => another(t) }, async (site, moment) => {
      const from = (await currentLink(site)) ?? '';
      await site.add(bad);
      const death = await endedBy(site, 'deploy', { deploy: [failing], settle: [moment] });
      assertKilled(death);
      const strikes = death.settles.map(({ passed }) => passed.find(({ signal }) => signal !== '')?.moment);
      assert.equal(strikes, [moment, undefined], 'what became of the settles');
      await assertServes(site, from);
      await assertNotMigrated(site);
    });
  });
}

async function assertNotMigrated({ sandbox, builds }: Site): Promise<void> {
  const sql = 'SELECT group_concat(name) FROM users; SELECT count(*) FROM sqlite_master; PRAGMA integrity_check';
  assert.is(await sandbox.run('sqlite3', `${dirname(builds)}/app.db`, sql), 'ann,bob\n1\nok');
}
