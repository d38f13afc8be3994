import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openSystemd, type Systemd } from '../../lib/systemd/systemd.ts';
import { repository, sandboxFor, type TestSandbox } from '../sandboxed.ts';
import type { TestContext } from '../suite.ts';

/** A client of the sandbox's own manager: its bus is reached through the file system of its processes. */
export async function systemdInside(t: TestContext): Promise<{ sandbox: TestSandbox; systemd: Systemd }> {
  const sandbox = await sandboxFor();
  process.env.DBUS_SYSTEM_BUS_ADDRESS = `unix:path=${sandbox.hostPath('/run/dbus/system_bus_socket')}`;
  const systemd = await openSystemd('system');
  t.cleanup(() => systemd.close());
  return { sandbox, systemd };
}

/** Writes a service of these lines and has systemd read it; it is stopped and removed with the test. */
export async function writeService(
  t: TestContext,
  sandbox: TestSandbox,
  name: string,
  service: string[],
  unit: string[] = [],
): Promise<string> {
  const path = sandbox.hostPath(`/etc/systemd/system/${name}`);
  await writeFile(path, ['[Unit]', ...unit, '[Service]', ...service, ''].join('\n'));
  await sandbox.run('systemctl', 'daemon-reload');
  t.cleanup(async () => {
    await sandbox.exec(['systemctl', 'kill', '--signal=KILL', name]);
    await sandbox.exec(['systemctl', 'stop', name]);
    await rm(path, { force: true });
    await sandbox.exec(['systemctl', 'reset-failed', name]);
    await sandbox.exec(['systemctl', 'daemon-reload']);
  });
  return path;
}

/** Runs TypeScript inside, `lib` being the address of the sources; gives what it printed as JSON. */
export async function runInside(sandbox: TestSandbox, code: string, wrapper: string[] = []): Promise<unknown> {
  const lib = `const lib = ${JSON.stringify(`file://${join(repository, 'lib')}`)};\n`;
  const node = [process.execPath, '--import', `file://${join(repository, 'node_modules/tsx/dist/loader.mjs')}`];
  const [file, ...args] = [...wrapper, ...node, '--input-type=module', '-e', lib + code];
  const { code: exitCode, stdout, stderr } = await sandbox.exec([file, ...args]);
  if (exitCode !== 0) throw new Error(`exited with ${exitCode}: ${stderr}${stdout}`);
  return JSON.parse(stdout);
}
