import { existsSync } from 'node:fs';
import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import type { StartedProcess } from '../../lib/base/exec.ts';
import type { RunDocument } from '../../lib/run/document.ts';
import { makeSite, type Site, type SiteOptions, until } from '../deploy/site.ts';
import { repository, type TestSandbox } from '../sandboxed.ts';
import { freePortInside, untilAnsweringInside } from '../services/inside.ts';
import type { TestContext } from '../suite.ts';
import { requireDebian } from '../debian.ts';

export const script = join(repository, 'examples/ci/deploy.sh');
export const secret = 'a-secret-of-the-tests-0123456789';
/** A machine that does much else is slow. */
export const patienceMs = 60_000;
/** For a job that must get in by webhook: on a machine that does much else the receiver may not look well at once. */
export const patientWebhook = { CUTOVER_WEBHOOK_WAIT: '3' };
const forced = join(repository, 'examples/ci/ssh-command.sh');
const receiver = 'cutover-serve.service';

export type Environment = Record<string, string>;

/** What a job left. */
export interface Job {
  code: number | null;
  /** its log */
  said: string;
  stderr: string;
}

/** A server with a site, an SSH daemon and a receiver, and the machine of CI in one. */
export interface Bed {
  readonly site: Site;
  readonly sandbox: TestSandbox;
  readonly folder: string;
  /** the receiver's port */
  readonly port: number;
  /** what the job of a CI system has in its environment */
  readonly env: Environment;
  job(words: string[], env?: Environment): Promise<Job>;
  startJob(words: string[], env?: Environment): Promise<RunningJob>;
  /** a file of what the last job left; empty: it left none */
  left(name: string): Promise<string>;
  /** the deploys of the site, the newest first, without its first one */
  deploys(): Promise<RunDocument[]>;
}

export interface RunningJob {
  child: StartedProcess;
  hasSaid(words: string): Promise<void>;
  end(): Promise<Job>;
}

/** Makes a site, and a daemon that lets one key in, for the command of CI alone. */
export async function makeBed(t: TestContext, options: SiteOptions & { serve?: string[] } = {}): Promise<Bed> {
  requireDebian({
    'openssh-server': '/usr/sbin/sshd',
    'openssh-client': '/usr/bin/ssh',
    curl: '/usr/bin/curl',
    jq: '/usr/bin/jq',
  });
  const site = await makeSite(t, options);
  const { sandbox } = site;
  const folder = `/srv/ci-${site.app}`;
  await mkdir(sandbox.hostPath(`${folder}/bin`), { recursive: true });
  t.cleanup(() => sandbox.exec(['rm', '-rf', folder]));
  const sshPort = await startSshd(t, site, folder);
  const port = await freePortInside(sandbox);
  await writeReceiver(t, site, { folder, port });
  return bedOn(site, { folder, port, env: environmentOf(folder, port, sshPort) });
}

/** The same, whose second deploy waits in a hook, `fetch` before its run has begun or `smoke` in it, until it may go on. */
export async function makeWaitingBed(
  t: TestContext,
  hook: 'fetch' | 'smoke',
): Promise<Bed & { isWaiting(): Promise<void>; goOn(): Promise<void> }> {
  const [waits, goOn] = ['/srv/waits', '/srv/go-on'];
  const wait = `case $CUTOVER_BUILD in *150001) exit 0 ;; esac; touch ${waits}; until [ -e ${goOn} ]; do sleep 0.1; done`;
  const bed = await makeBed(t, { builds: [{}, {}], keys: [`hooks = { ${hook} = "${wait}" }`] });
  const inside = (path: string): string => bed.sandbox.hostPath(path);
  t.cleanup(async () => {
    // Whatever still waits comes to its end.
    await writeFile(inside(goOn), '');
    await until('nobody waits', async () => (await bed.sandbox.exec(['pgrep', '-f', waits])).code !== 0, 20_000);
    for (const path of [waits, goOn]) await rm(inside(path), { force: true });
  });
  return {
    ...bed,
    isWaiting: () => until('the deploy waits', async () => existsSync(inside(waits)), patienceMs),
    goOn: () => writeFile(inside(goOn), ''),
  };
}

export async function startReceiver({ sandbox, port }: Bed): Promise<void> {
  await sandbox.run('systemctl', 'start', receiver);
  await untilAnsweringInside(sandbox, `http-get://127.0.0.1:${port}/health`);
}

/** Which start of the receiver is at work; empty: none is. */
export async function receiverStart({ sandbox }: Bed): Promise<string> {
  const shown = await sandbox.run('systemctl', 'show', '--property=ActiveState,InvocationID', '--value', receiver);
  const [state = '', start = ''] = shown
    .trim()
    .split('\n')
    .toSorted((a, b) => a.length - b.length);
  return state === 'active' ? start : '';
}

export async function signalReceiver({ sandbox }: Bed, signal: string): Promise<void> {
  await sandbox.run('systemctl', 'kill', `--signal=${signal}`, receiver);
  if (signal !== 'KILL') return;
  const state = ['systemctl', 'is-active', receiver] as const;
  await until('the receiver is dead', async () => (await sandbox.exec(state)).stdout.trim() === 'failed');
}

export function stopSshd({ sandbox, site }: Bed): Promise<string> {
  return sandbox.run('systemctl', 'stop', sshdOf(site));
}

/** Ends all connections, as a network does; who was let in is not told. */
export async function cutConnections({ sandbox, site }: Bed): Promise<void> {
  await sandbox.run('systemctl', 'kill', '--kill-whom=all', '--signal=KILL', sshdOf(site));
}

function sshdOf({ app }: Site): string {
  return `sshd-${app}.service`;
}

/** How often somebody was let in over SSH. */
export async function logins({ sandbox, site }: Bed): Promise<number> {
  await sandbox.run('journalctl', '--sync');
  const lines = await sandbox.run('journalctl', '--no-pager', '--output=cat', `--unit=${sshdOf(site)}`);
  return lines.split('\n').filter((line) => line.startsWith('Accepted publickey')).length;
}

function environmentOf(folder: string, port: number, sshPort: number): Environment {
  return {
    REPORTS: `${folder}/reports`,
    CUTOVER_URL: `http://127.0.0.1:${port}`,
    CUTOVER_SECRET_FILE: `${folder}/webhook.secret`,
    CUTOVER_SSH: 'root@127.0.0.1',
    CUTOVER_SSH_PORT: String(sshPort),
    CUTOVER_SSH_KEY_FILE: `${folder}/key`,
    CUTOVER_KNOWN_HOSTS_FILE: `${folder}/known_hosts`,
    CUTOVER_WEBHOOK_WAIT: '1',
    CUTOVER_SSH_WAIT: '1',
  };
}

function bedOn(site: Site, facts: Pick<Bed, 'folder' | 'port' | 'env'>): Bed {
  const { sandbox } = site;
  const start: Bed['startJob'] = async (words, env = {}) => {
    const child = await sandbox.spawn([script, ...words], { cwd: facts.folder, env: { ...facts.env, ...env } });
    let said = '';
    const stderr = text(child.stderr);
    const over = new Promise((resolve) => child.stdout.once('close', resolve));
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
    return {
      child,
      hasSaid: (words) => until(`it says "${words}"`, async () => said.includes(words), patienceMs),
      async end() {
        const { code } = await child.ended;
        await over;
        return { code, said, stderr: await stderr };
      },
    };
  };
  return {
    ...facts,
    site,
    sandbox,
    startJob: start,
    job: async (words, env) => (await start(words, env)).end(),
    left: (name) => readFile(sandbox.hostPath(`${facts.folder}/reports/${name}`), 'utf8').catch(() => ''),
    async deploys() {
      const { document } = await site.call<{ runs: RunDocument[] }>('history');
      return document.runs.filter(({ kind }) => kind === 'deploy').slice(0, -1);
    },
  };
}

/** A daemon of its own, with keys of its own, on a port that nobody has. */
async function startSshd(t: TestContext, site: Site, folder: string): Promise<number> {
  const { sandbox, config } = site;
  const port = await freePortInside(sandbox);
  const inside = (name: string): string => sandbox.hostPath(`${folder}/${name}`);
  for (const name of ['host_key', 'key'])
    await sandbox.run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'ci', '-f', `${folder}/${name}`);
  const [host, key] = await Promise.all(['host_key.pub', 'key.pub'].map((name) => readFile(inside(name), 'utf8')));
  await writeFile(inside('known_hosts'), `[127.0.0.1]:${port} ${host}`);
  await writeFile(inside('authorized_keys'), `command="${forced} production",restrict ${key}`, { mode: 0o600 });
  const command = `#!/bin/sh\nexport CUTOVER_CONFIG=${config}\nexec ${process.execPath} ${repository}/bin/cutover.js "$@"\n`;
  await writeFile(inside('bin/cutover'), command, { mode: 0o755 });
  const path = `${folder}/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
  await writeFile(inside('sshd_config'), daemonConfig({ folder, port, path }));
  // A locked account is let in by no key; and this /etc is the sandbox's own.
  await sandbox.run('usermod', '--password', '*', 'root');
  await sandbox.run('mkdir', '-p', '/run/sshd');
  const daemon = ['/usr/sbin/sshd', '-D', '-e', '-f', `${folder}/sshd_config`];
  // What is left of a connection that is cut belongs to no session: it is told apart from what cutover keeps for itself.
  const always = ['--property=Restart=always', '--property=RestartSec=200ms'];
  await sandbox.run('systemd-run', '--quiet', '--collect', `--unit=${sshdOf(site)}`, ...always, ...daemon);
  t.cleanup(() => sandbox.exec(['systemctl', 'stop', sshdOf(site)]));
  await untilAnsweringInside(sandbox, `tcp:127.0.0.1:${port}`);
  return port;
}

function daemonConfig({ folder, port, path }: { folder: string; port: number; path: string }): string {
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${folder}/host_key`,
    `AuthorizedKeysFile ${folder}/authorized_keys`,
    'PermitRootLogin forced-commands-only',
    'PasswordAuthentication no',
    'UsePAM no',
    // The folders above are those of a test.
    'StrictModes no',
    'PidFile none',
    `SetEnv PATH=${path}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** The unit is there and not started; nothing starts it by itself but the job. */
async function writeReceiver(
  t: TestContext,
  { sandbox, config }: Site,
  { folder, port }: { folder: string; port: number },
): Promise<void> {
  await writeFile(sandbox.hostPath(`${folder}/webhook.secret`), `${secret}\n`, { mode: 0o600 });
  const recovery = '\n[recovery]\nattempts = 1\ndelay = "0s"\n';
  const table = `${recovery}\n[serve]\nlisten = "127.0.0.1:${port}"\nsecret_file = "${folder}/webhook.secret"\n`;
  await appendFile(sandbox.hostPath(config), table);
  const command = `${process.execPath} ${repository}/bin/cutover.js serve --config ${config}`;
  const unit = `[Service]\nType=exec\nExecStart=${command}\nTimeoutStopSec=15\n`;
  await writeFile(sandbox.hostPath(`/etc/systemd/system/${receiver}`), unit);
  await sandbox.run('systemctl', 'daemon-reload');
  t.cleanup(async () => {
    await sandbox.exec(['systemctl', 'kill', '--signal=KILL', receiver]);
    await sandbox.exec(['systemctl', 'stop', receiver]);
    await sandbox.exec(['systemctl', 'reset-failed', receiver]);
  });
}

/** The log of a job, where a line of it is missing. */
export function assertSaid({ said, stderr }: Job, ...lines: (string | RegExp)[]): void {
  for (const line of lines) assert.match(said, line, `no "${line}" in\n${said}${stderr}`);
}
