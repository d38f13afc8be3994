// needs: sandbox
import { writeFile } from 'node:fs/promises';
import dbus from 'dbus-next';
import * as assert from 'uvu/assert';
import { manager, unitPath } from '../../lib/systemd/names.ts';
import { suite, type TestContext } from '../suite.ts';
import { until } from '../deploy/site.ts';
import { systemdInside, writeService } from './inside.ts';

const test = suite('systemd/speaker');
const soon = { timeoutMs: 20_000 };
const { Message, MessageType, Variant } = dbus;
const busItself = {
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
};
const slow = `/bin/sh -c 'until [ -e /run/speaker.go ]; do sleep 0.02; done'`;

/** Another client of the bus, which says what it likes to everybody on it, one by one. */
async function liar(t: TestContext): Promise<(fields: object) => Promise<void>> {
  const bus = dbus.sessionBus({ busAddress: process.env.DBUS_SYSTEM_BUS_ADDRESS as string });
  t.cleanup(() => bus.disconnect());
  const ask = (member: string) => bus.call(new Message({ ...busItself, member }));
  return async (fields) => {
    const names = (await ask('ListNames'))?.body[0] as string[];
    for (const destination of names.filter((name) => name.startsWith(':')))
      bus.send(new Message({ type: MessageType.SIGNAL, ...fields, destination }));
    // What it said before it asks again has been passed on by the time it is answered.
    await ask('GetId');
  };
}

test('S4: what another user of the bus says in the words of systemd is not heard', async (t) => {
  const { sandbox, systemd } = await systemdInside(t);
  await writeService(t, sandbox, 'spoken.service', ['Type=oneshot', 'RemainAfterExit=yes', `ExecStart=${slow}`]);
  t.cleanup(() => sandbox.exec(['rm', '-f', '/run/speaker.go']));
  const told: Map<string, unknown>[] = [];
  t.cleanup(await systemd.watch('spoken.service', (changed) => void told.push(changed)));
  let result: string | undefined;
  const starting = systemd.start('spoken.service', soon).then((ended) => (result = ended));
  // systemd has had the job for a while before it runs it: it answers everybody else first.
  await until('the job runs', async () => (await systemd.facts('spoken.service')).activeState === 'activating');
  const [id, path] = (await systemd.property('spoken.service', 'Unit', 'Job')) as [number, string];
  const tellAll = await liar(t);
  const body = [manager.destination, ':1.0', ':1.4711'];
  await tellAll({ ...busItself, member: 'NameOwnerChanged', signature: 'sss', body });
  await tellAll({ ...manager, member: 'JobRemoved', signature: 'uoss', body: [id, path, 'spoken.service', 'failed'] });
  await tellAll({
    path: unitPath('spoken.service'),
    interface: 'org.freedesktop.DBus.Properties',
    member: 'PropertiesChanged',
    signature: 'sa{sv}as',
    body: ['org.freedesktop.systemd1.Service', { Forged: new Variant('s', 'yes') }, []],
  });
  assert.is((await systemd.facts('spoken.service')).activeState, 'activating');
  assert.is(result, undefined, 'the job has not ended');
  assert.is(
    told.some((changed) => changed.has('Forged')),
    false,
  );
  await writeFile(sandbox.hostPath('/run/speaker.go'), '');
  assert.is(await starting, 'done');
});

test('S3: systemd is heard after it was executed anew', async (t) => {
  const { sandbox, systemd } = await systemdInside(t);
  await writeService(t, sandbox, 'anew.service', ['Type=exec', 'ExecStart=/bin/sleep infinity']);
  const told: Map<string, unknown>[] = [];
  t.cleanup(await systemd.watch('anew.service', (changed) => void told.push(changed)));
  const owner = (): Promise<string> =>
    sandbox.run(
      'busctl',
      'call',
      busItself.destination,
      busItself.path,
      busItself.interface,
      'GetNameOwner',
      's',
      manager.destination,
    );
  const before = await owner();
  await sandbox.run('systemctl', 'daemon-reexec');
  await until('systemd is on the bus again', async () => (await owner().catch(() => before)) !== before);
  assert.is(await systemd.start('anew.service', soon), 'done');
  await until('the watch has told', async () => told.some((changed) => changed.get('ActiveState') === 'active'));
});
