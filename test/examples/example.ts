import { once } from 'node:events';
import { cp, copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { type Called, calledFrom } from '../deploy/site.ts';
import { repository, sandboxFor, type TestSandbox } from '../sandboxed.ts';
import type { TestContext } from '../suite.ts';

const clients = fileURLToPath(new URL('clients.mjs', import.meta.url));
const units = /\.(service|socket)$/;
const builds = '/srv/shop/builds';
const dropIns = '/etc/systemd/system/shop.service.d';
const config = '/etc/cutover/cutover.toml';
// The machine that tests run on may be fuller than a production machine should be.
const limits = '\n[targets.production.limits]\ndisk_used = "99%"\nmemory_available = "50M"\n';

/** What a bad build has instead of a piece of a good one's file. */
export interface Change {
  file: string;
  replace: string;
  by: string;
}

/** An example of `examples/`, installed as its README says, with its first build deployed. */
export interface Example {
  readonly sandbox: TestSandbox;
  /** Adds a build, with or without a fault, and gives its id. */
  add(fault?: Change): Promise<string>;
  deploy(): Promise<Called>;
  current(): Promise<string>;
}

export interface ClientsReport {
  /** `again`: requests that were cut on a connection used before, and sent once more */
  sent: { new: number; kept: number; reused: number; again: number };
  failed: string[];
  answers: string[];
  longestMs: number;
}

/** Which files of `examples/` make an example. */
export interface ExampleFiles {
  /** the folder with the units and the configuration */
  name: string;
  /** the folder whose files make a build; default: the same */
  program?: string;
  files: readonly string[];
  /** the file of a build whose whole text is the build's id, for programs that cannot tell it */
  marked?: string;
  /** what has to be there before its first deploy */
  prepare?: (sandbox: TestSandbox) => Promise<void>;
  /** more lines of the section [Service] of its service */
  service?: readonly string[];
  /** clients send a request again when its connection was used before and is cut */
  retries?: boolean;
}

/** Installs an example, with its first build deployed. */
export async function installExample(
  t: TestContext,
  { name, program = name, files, marked, service = [], prepare }: ExampleFiles,
): Promise<Example> {
  const sandbox = await sandboxFor();
  const folder = join(repository, 'examples', name);
  const names = (await readdir(folder)).filter((file) => units.test(file));
  t.cleanup(() => uninstall(sandbox, names));
  if (service.length > 0) await addLines(sandbox, service);
  await installUnits(sandbox, folder, names);
  await mkdir(sandbox.hostPath('/etc/cutover'), { recursive: true });
  await writeFile(sandbox.hostPath(config), (await readFile(join(folder, 'cutover.toml'), 'utf8')) + limits);
  await prepare?.(sandbox);
  const example = exampleOn(sandbox, { from: join(repository, 'examples', program), files, marked });
  await example.add();
  const { code, stderr } = await example.deploy();
  assert.is(code, 0, `the first deploy failed: ${stderr}`);
  return example;
}

/** Clients ask without pause, from inside, until they are told to end. */
export async function startClients(
  t: TestContext,
  { sandbox }: Example,
  { retries = false } = {},
): Promise<{ end(): Promise<ClientsReport> }> {
  const child = await sandbox.spawn([process.execPath, clients, '9000', '/', retries ? 'retry' : '']);
  t.cleanup(() => child.kill('SIGKILL'));
  const said = text(child.stdout);
  await once(child.stderr, 'data');
  child.stderr.resume();
  return {
    async end() {
      await sleep(300);
      child.kill('SIGTERM');
      return JSON.parse(await said) as ClientsReport;
    },
  };
}

function exampleOn(
  sandbox: TestSandbox,
  { from, files, marked }: Pick<ExampleFiles, 'files' | 'marked'> & { from: string },
): Example {
  let built = 0;
  return {
    sandbox,
    async add(fault) {
      built += 1;
      const id = `dist.20260203-15000${built}`;
      const path = sandbox.hostPath(`${builds}/${id}`);
      await mkdir(path, { recursive: true });
      for (const file of files) await cp(join(from, file), join(path, file), { recursive: true });
      if (marked) await writeFile(join(path, marked), id);
      if (fault) await breakFile(join(path, fault.file), fault);
      return id;
    },
    async deploy() {
      return calledFrom(await sandbox.cutover(['deploy', '--json', '--config', config]));
    },
    current: async () => (await sandbox.run('readlink', `${builds}/current`)).trim(),
  };
}

async function breakFile(path: string, { replace, by }: Change): Promise<void> {
  const whole = await readFile(path, 'utf8');
  assert.ok(whole.includes(replace), `${path} has no ${replace}`);
  await writeFile(path, whole.replace(replace, by));
}

async function addLines(sandbox: TestSandbox, lines: readonly string[]): Promise<void> {
  await mkdir(sandbox.hostPath(dropIns), { recursive: true });
  await writeFile(sandbox.hostPath(`${dropIns}/test.conf`), ['[Service]', ...lines, ''].join('\n'));
}

async function installUnits(sandbox: TestSandbox, folder: string, names: readonly string[]): Promise<void> {
  const node = await nodeFor(sandbox);
  for (const name of names) {
    const whole = await readFile(join(folder, name), 'utf8');
    await writeFile(sandbox.hostPath(`/etc/systemd/system/${name}`), whole.replaceAll('/usr/bin/node', node));
  }
  await sandbox.run('systemctl', 'daemon-reload');
  for (const name of names.filter((file) => file.endsWith('.socket')))
    await sandbox.run('systemctl', 'enable', '--now', name);
}

/** The service's account reads nothing below a home directory, where node may be installed. */
async function nodeFor(sandbox: TestSandbox): Promise<string> {
  if (process.execPath.startsWith('/usr/')) return process.execPath;
  await copyFile(process.execPath, sandbox.hostPath('/srv/node'));
  return '/srv/node';
}

async function uninstall(sandbox: TestSandbox, names: readonly string[]): Promise<void> {
  for (const name of names) await sandbox.exec(['systemctl', 'stop', name.replace('@.', '@*.')]);
  for (const name of names) await rm(sandbox.hostPath(`/etc/systemd/system/${name}`), { force: true });
  for (const path of [dropIns, '/srv/shop', '/etc/cutover', '/var/lib/cutover'])
    await rm(sandbox.hostPath(path), { recursive: true, force: true });
  await sandbox.run('systemctl', 'daemon-reload');
}
