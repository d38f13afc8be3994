import { readFile, writeFile } from 'node:fs/promises';
import type { InitReport } from '../../lib/deployer/init/report.ts';
import type { TestSandbox } from '../sandboxed.ts';
import type { TestContext } from '../suite.ts';
import { type Called, calledFrom, makeSite, type Refusal, type Site } from './site.ts';

export const machineConfig = '/etc/cutover/cutover.toml';
export const unitDirectory = '/etc/systemd/system';
/** what `init --install` has put on the machine */
export const recordFile = '/var/lib/cutover/installed.json';

/** Runs `cutover init … --json`. */
export async function init<Document = InitReport>(
  sandbox: Pick<TestSandbox, 'cutover'>,
  ...words: string[]
): Promise<Called<Document>> {
  return calledFrom<Document>(await sandbox.cutover(['init', ...words, '--json']));
}

/** The same for what is refused: the exit code, the error's code and text, and what to type. */
export async function refused(
  sandbox: Pick<TestSandbox, 'cutover'>,
  ...words: string[]
): Promise<{ code: number | null; kind: string; message: string; mend: string }> {
  const { code, document } = await init<Refusal>(sandbox, ...words);
  if (!document.error) throw new Error(`not refused: ${JSON.stringify(document)}`);
  return { code, kind: document.error.code, message: document.error.message, mend: document.error.mend };
}

/** Takes away, after the test, what init puts on the machine. */
export function clearAfter(t: TestContext, sandbox: TestSandbox): void {
  t.cleanup(async () => {
    const running = ['cutover-monitor@*.timer', 'cutover-serve.socket', 'cutover-serve.service'];
    await sandbox.exec(['systemctl', 'stop', ...running]);
    const units = `${unitDirectory}/cutover-* ${unitDirectory}/*.wants/cutover-* /etc/*.d/cutover*`;
    const shells = '/etc/fish/completions/{cutover,pre-deployment-check,safe-deploy,deploy-with-zero-downtime}.fish';
    const rest = `/etc/cutover ${shells} /usr/local/share/*`;
    await sandbox.run('bash', '-c', `rm -rf ${units} ${rest} ${recordFile} /etc/polkit-1/rules.d/50-cutover-*`);
    await sandbox.run('systemctl', 'daemon-reload');
  });
}

/** A site that a monitor looks after. */
export async function watchedSite(t: TestContext): Promise<Site> {
  const site = await makeSite(t);
  clearAfter(t, site.sandbox);
  const { sandbox, config } = site;
  const text = await textOf(sandbox, config);
  await writeFile(sandbox.hostPath(config), `${text}\n[targets.production.monitor]\nevery = "1h"\n`);
  return site;
}

/** What a call put among the units: the name of each file and what became of it. */
export function unitsIn({ files }: InitReport): string[] {
  return files
    .filter(({ path }) => path.includes('/systemd/'))
    .map(({ path, status }) => `${status} ${path.replace(/^.*\/systemd\/(system|user)\//, '')}`);
}

/** The kinds of end that the files came to, each once. */
export function statusesIn({ files, units }: InitReport): string[] {
  return [...new Set([...files, ...units].map(({ status }) => status))].toSorted();
}

/** Every file of a folder inside with its kind, mode, time and text's sum: two equal ones mean that nothing was written. */
export function snapshot(sandbox: TestSandbox, ...folders: string[]): Promise<string> {
  const look = 'find "$@" -printf "%p %y %m %T@ %l\\n" 2>/dev/null | sort; cat /proc/mounts | wc -l';
  return sandbox.run('sh', '-c', look, 'sh', ...folders);
}

export function textOf(sandbox: TestSandbox, path: string): Promise<string> {
  return readFile(sandbox.hostPath(path), 'utf8');
}

/** Types the commands that a refusal named, as a person would; `systemctl edit` gets the lines below it. */
export async function typeCommands(sandbox: TestSandbox, mend: string): Promise<void> {
  const lines = mend.split('\n').slice(1);
  for (const [at, line] of lines.entries()) {
    const command = line.replace(/^ {5}/, '');
    if (/^( |#|cutover )/.test(command)) continue;
    const edited = /^systemctl edit (\S+) /.exec(command)?.[1];
    if (edited === undefined) await sandbox.run('sh', '-ec', command);
    else await writeDropIn(sandbox, edited, linesBelow(lines.slice(at + 1)));
  }
}

function linesBelow(lines: readonly string[]): string {
  const end = lines.findIndex((line) => !line.startsWith('         '));
  return `${lines
    .slice(0, end === -1 ? undefined : end)
    .map((line) => line.trim())
    .join('\n')}\n`;
}

async function writeDropIn(sandbox: TestSandbox, unit: string, text: string): Promise<void> {
  const folder = `${unitDirectory}/${unit}.d`;
  await sandbox.run('sh', '-ec', `mkdir -p '${folder}'; printf %s "$1" > '${folder}/override.conf'`, 'sh', text);
  await sandbox.run('systemctl', 'daemon-reload');
}
