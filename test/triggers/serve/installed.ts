import { copyFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { receiverRule } from '../../../lib/deployer/init/receiver-rule.ts';
import { polkitReads } from '../../deploy/plain-user.ts';
import { type Site, until } from '../../deploy/site.ts';
import { repository, type TestSandbox } from '../../sandboxed.ts';
import type { TestContext } from '../../suite.ts';
import { configureServe } from './receiving.ts';

const units = ['cutover-serve.service', 'cutover-serve.socket', 'cutover-request@.service'];
const directory = '/etc/systemd/system';
const rule = '/etc/polkit-1/rules.d/50-cutover-serve.rules';
export const service = 'cutover-serve.service';

/** The port of the shipped socket. */
export const port = 4040;

/**
 * Installs the shipped units for a site, as they are but for where cutover lies, with what a test cannot wait for shortened.
 * @param isAllowed whether polkit lets the receiver start runs
 */
export async function installShipped(
  t: TestContext,
  site: Site,
  { lines = [], isAllowed = true }: { lines?: string[]; isAllowed?: boolean } = {},
): Promise<void> {
  const { sandbox, config, app } = site;
  await configureServe(site, port);
  t.cleanup(() => removeShipped(sandbox, app));
  const command = await commandFor(sandbox);
  for (const name of units) {
    const text = (await readFile(join(repository, 'units', name), 'utf8')).replaceAll(
      '=/usr/bin/cutover',
      `=${command}`,
    );
    await writeFile(
      sandbox.hostPath(join(directory, name)),
      text.replaceAll(/^(ExecStart=.*)$/gm, `$1 --config ${config}`),
    );
  }
  await mkdir(sandbox.hostPath(`${directory}/${service}.d`), { recursive: true });
  await writeFile(
    sandbox.hostPath(`${directory}/${service}.d/test.conf`),
    ['[Service]', 'RestartSec=200ms', ...lines, ''].join('\n'),
  );
  await mkdir(sandbox.hostPath('/etc/sysusers.d'), { recursive: true });
  await copyFile(
    join(repository, 'units/cutover-serve.sysusers'),
    sandbox.hostPath('/etc/sysusers.d/cutover-serve.conf'),
  );
  await sandbox.run('systemd-sysusers', 'cutover-serve.conf');
  if (isAllowed) await allow(site);
  else await polkitReads(sandbox);
  await sandbox.run('systemctl', 'daemon-reload');
  await sandbox.run('systemctl', 'start', 'cutover-serve.socket', service);
}

/** Has polkit let the receiver start runs. */
export async function allow({ sandbox, app }: Site): Promise<void> {
  await mkdir(sandbox.hostPath('/etc/polkit-1/rules.d'), { recursive: true });
  const { text } = receiverRule({ app }, [{ name: 'production' }]);
  await writeFile(sandbox.hostPath(rule), text, { mode: 0o644 });
  await polkitReads(sandbox);
}

/**
 * What starts cutover where the receiver sees it: it has a /tmp of its own and sees no home, and this repository or node may
 * lie there.
 */
export async function commandFor(sandbox: TestSandbox): Promise<string> {
  const place = '/srv/cutover';
  await mkdir(sandbox.hostPath(`${place}/dist`), { recursive: true });
  await cp(join(repository, 'bin'), sandbox.hostPath(`${place}/bin`), { recursive: true });
  await copyFile(join(repository, 'dist/cutover.cjs'), sandbox.hostPath(`${place}/dist/cutover.cjs`));
  if (process.execPath.startsWith('/usr/')) return `${process.execPath} ${place}/bin/cutover.js`;
  await copyFile(process.execPath, sandbox.hostPath(`${place}/node`));
  return `${place}/node ${place}/bin/cutover.js`;
}

async function removeShipped(sandbox: TestSandbox, app: string): Promise<void> {
  await sandbox.exec(['systemctl', 'stop', service, 'cutover-serve.socket']);
  const files = [...units, `${service}.d`].map((name) => join(directory, name));
  for (const path of [...files, rule, `/etc/${app}.secret`])
    await rm(sandbox.hostPath(path), { recursive: true, force: true });
  await sandbox.run('systemctl', 'daemon-reload');
}

/** Waits until the receiver's service is up again, as another process. */
export async function untilRestarted(sandbox: TestSandbox, before: string): Promise<string> {
  let pid = before;
  await until(
    'the receiver is started anew',
    async () => {
      pid = await mainPid(sandbox);
      return pid !== '0' && pid !== before && (await sandbox.exec(['systemctl', 'is-active', service])).code === 0;
    },
    60_000,
  );
  return pid;
}

export function mainPid(sandbox: TestSandbox): Promise<string> {
  return sandbox.run('systemctl', 'show', '--property=MainPID', '--value', service);
}
