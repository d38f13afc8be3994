import { readFile, rm, writeFile } from 'node:fs/promises';
import type { AdoptReport } from '../../../lib/deployer/init/adopt.ts';
import { appFile, unitFile } from '../../services/builds.ts';
import { sandboxFor, type TestSandbox } from '../../sandboxed.ts';
import type { TestContext } from '../../suite.ts';
import { type Called, calledFrom, type Refusal, until } from '../../deploy/site.ts';
import { whoServes } from '../../deploy/sound.ts';

/** A service in a plain directory, as people begin. */
export interface PlainSite {
  sandbox: TestSandbox;
  unit: string;
  port: number;
  /** the directory that it runs in */
  source: string;
  builds: string;
  config: string;
}

const plainPort = 9950;
const app = 'plain';

/** @param lines more of the section [Service]; @param start what `ExecStart=` says */
export async function plainSite(
  t: TestContext,
  { lines = [], start = `${process.execPath} app.mjs` }: { lines?: string[]; start?: string } = {},
): Promise<PlainSite> {
  const sandbox = await sandboxFor();
  const unit = `${app}.service`;
  const file = `/etc/systemd/system/${unit}`;
  const source = '/srv/plain/app';
  const site = {
    sandbox,
    unit,
    port: plainPort,
    source,
    builds: `${source}-builds`,
    config: '/etc/cutover/cutover.toml',
  };
  t.cleanup(async () => {
    await sandbox.exec(['systemctl', 'stop', unit]);
    await sandbox.exec(['systemctl', 'reset-failed', unit]);
    const places = [file, `${file}.d`, '/srv/plain', `/var/lib/cutover/${app}`, '/etc/cutover'];
    for (const path of places) await rm(sandbox.hostPath(path), { recursive: true, force: true });
    await sandbox.run('systemctl', 'daemon-reload');
  });
  await sandbox.run('mkdir', '-p', `${source}/data`);
  await writeFile(sandbox.hostPath(`${source}/app.mjs`), await readFile(appFile));
  const text = unitFile({ buildsDir: '/srv', port: plainPort, node: process.execPath, extra: lines })
    .replace(/^WorkingDirectory=.*$/m, `WorkingDirectory=${source}`)
    .replace(/^ExecStart=.*$/m, `ExecStart=${start}`);
  await writeFile(sandbox.hostPath(file), text);
  await sandbox.run('systemctl', 'daemon-reload');
  await sandbox.run('systemctl', 'start', unit);
  await until('it serves', async () => (await servedFrom(site)) === source);
  return site;
}

/** Writes a configuration for the site. @param more lines of it, below those of the target itself */
export async function configurePlain(
  { sandbox, unit, builds, port, config }: PlainSite,
  more: readonly string[] = [],
): Promise<void> {
  const lines = ['app = "plain"', '[targets.production]', `unit = "${unit}"`, `builds = "${builds}"`, `port = ${port}`];
  await sandbox.run('mkdir', '-p', '/etc/cutover');
  await writeFile(sandbox.hostPath(config), [...lines, ...more, ''].join('\n'));
}

/** The directory of the process that answers; null: nobody does. */
export async function servedFrom(site: Pick<PlainSite, 'sandbox' | 'port'>): Promise<string | null> {
  const served = await whoServes(site);
  if (served === null) return null;
  // It may end meanwhile.
  const { code, stdout } = await site.sandbox.exec(['readlink', `/proc/${served.pid}/cwd`]);
  return code === 0 ? stdout : null;
}

/** Runs `cutover init UNIT --adopt … --json`. */
export async function adopt<Document = AdoptReport>(site: PlainSite, ...words: string[]): Promise<Called<Document>> {
  return calledFrom<Document>(await site.sandbox.cutover(['init', site.unit, '--adopt', ...words, '--json']));
}

/** The same for what is refused. */
export async function refusedAdoption(
  site: PlainSite,
  ...words: string[]
): Promise<{ code: number | null; kind: string; message: string; mend: string }> {
  const { code, document } = await adopt<Refusal>(site, ...words);
  if (!document.error) throw new Error(`not refused: ${JSON.stringify(document)}`);
  return { code, kind: document.error.code, message: document.error.message, mend: document.error.mend };
}

/**
 * Everything that a move may touch: names, kinds, owners and modes, the texts, and what it remembers in the state. The state's own
 * folder and its lock come with the first question and stay.
 */
export function everything({ sandbox }: PlainSite): Promise<string> {
  const list = `find /srv/plain /etc/systemd/system /etc/cutover -printf '%p %y %m %u %l\\n' 2>/dev/null | sort`;
  const texts = 'find /srv/plain /etc/systemd/system -type f -exec md5sum {} + | sort';
  return sandbox.run('sh', '-c', `${list}; ${texts}; find /var/lib/cutover/plain -name '*adopt*' 2>/dev/null; true`);
}
