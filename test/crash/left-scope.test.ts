// needs: sandbox
import * as assert from 'uvu/assert';
import type { Command } from '../../lib/base/exec.ts';
import { scopeNames } from '../../lib/systemd/scope.ts';
import { type Site, until } from '../deploy/site.ts';
import { currentLink } from '../deploy/sound.ts';
import { suite } from '../suite.ts';
import { assertKilled, endedBy } from './death.ts';
import { assertServes, look } from './ended.ts';
import { crashSite } from './site.ts';

const test = suite('crash/left scope');

test('S8: a scope that a dead process left empty does not keep the next run from being guarded', async (t) => {
  const site = await crashSite(t);
  await leaveEmptyScope(site);
  const from = (await currentLink(site)) ?? '';
  await site.add();
  const death = await endedBy(site, 'deploy', { deploy: ['sent StartUnit:1'] });
  assertKilled(death);
  assert.is(death.settles.length, 1, 'nobody settled');
  await assertServes(site, from);
});

test('S8: a run that is not killed takes the empty scope away', async (t) => {
  const site = await crashSite(t);
  await leaveEmptyScope(site);
  const to = await site.add();
  const called = await site.call('deploy');
  assert.equal([called.code, called.document.active], [0, to], called.stderr);
  assert.not.match(called.stderr, 'does not guard this run');
  await assertServes(site, to);
});

test('while an empty scope is there, the settle of it is not passed over by who looks at what is left', async (t) => {
  const site = await crashSite(t);
  await leaveEmptyScope(site);
  assert.is((await look(site)).units, '');
  const { settle } = scopeNames(site.app, 'production');
  await site.sandbox.run('systemd-run', `--unit=${settle}`, 'sleep', '60');
  t.cleanup(() => site.sandbox.run('systemctl', 'stop', settle));
  assert.match((await look(site)).units, settle);
});

/**
 * What stays when a deployer is killed while systemd puts it into its scope: the kernel takes the number of a process
 * that is dead and not waited for yet, and nothing enters the scope whose end could be noticed.
 */
async function leaveEmptyScope({ sandbox, app }: Site): Promise<void> {
  const { scope } = scopeNames(app, 'production');
  // What the shell becomes waits for nobody; the shell itself still would.
  const parent = await sandbox.spawn(['bash', '-c', 'sleep 60 & echo $! $$; exec sleep 61']);
  const said = await new Promise<string>((resolve) => {
    parent.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
  });
  const [zombie = '', shell = ''] = said.split(' ');
  const succeeds = async (command: Command) => (await sandbox.exec(command)).code === 0;
  await until('it has become another', () => succeeds(['grep', '-qx', 'sleep', `/proc/${shell}/comm`]));
  await sandbox.run('kill', '-KILL', zombie);
  await until('it is dead', () => succeeds(['grep', '-q', '^State:.*Z', `/proc/${zombie}/status`]));
  const manager = ['org.freedesktop.systemd1', '/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager'];
  const call = ['StartTransientUnit', 'ssa(sv)a(sa(sv))', scope, 'fail', '1', 'PIDs', 'au', '1', zombie, '0'];
  await sandbox.run('busctl', 'call', ...manager, ...call);
  // The answer is that of a job; who is waited for before it ran is a process that systemd cannot find.
  await until('it is in the scope', () => succeeds(['systemctl', 'is-active', scope]));
  parent.kill('SIGKILL');
  await parent.ended;
  assert.is(await sandbox.run('systemctl', 'is-active', scope), 'active');
}
