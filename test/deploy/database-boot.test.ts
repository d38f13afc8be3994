// needs: sandbox
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { installBootUnit } from './boot.ts';
import { makeDatabaseSite, migration } from './database-site.ts';
import { startDeploy, untilBegun, untilSettled } from './running.ts';
import { buildId, until } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/database at boot', { timeoutMs: 120_000 });

for (const step of ['migrate', 'start']) {
  test(`B2, S8: the power goes once ${step} has begun: the machine comes up with the database as it was`, async (t) => {
    const isSlow = step === 'migrate' ? '; touch DB.done; sleep 20' : '';
    const site = await makeDatabaseSite(t, {
      builds: [{}, { mode: 'never_listen' }],
      database: ['restore_on_rollback = true'],
      migrate: `${migration}${isSlow}`,
    });
    await installBootUnit(site);
    await startDeploy(site);
    await untilBegun(site, step);
    if (isSlow) {
      // A question to the database itself could lock the migration out.
      const mark = `${site.database}.done`;
      await until('it has migrated', async () => (await site.sandbox.exec(['test', '-e', mark])).code === 0);
    }
    await site.sandbox.reboot();
    await untilSettled(site);
    assert.is(await site.sql('SELECT group_concat(name) FROM users; SELECT count(*) FROM sqlite_master'), 'ann,bob\n1');
    const { outcome, active, steps } = (await site.call('report')).document;
    assert.equal([outcome, active], ['rolled_back', buildId(1)]);
    assert.is(steps.find(({ name }) => name === 'migrate')?.status, step === 'migrate' ? 'failed' : 'reverted');
    await assertSound(site, buildId(1));
  });
}
