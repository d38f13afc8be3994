import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type { ExecOptions } from '../../lib/base/exec.ts';
import type { RunDocument } from '../../lib/run/document.ts';
import { patient } from '../patient.ts';
import { repository, sandboxFor, type TestSandbox } from '../sandboxed.ts';
import { type Behaviour, makeBuild, unitFile } from '../services/builds.ts';
import type { TestContext } from '../suite.ts';
import { configText } from './configuration.ts';
import { type Places, placesOf } from './places.ts';
import type { PlainUser } from './plain-user.ts';

/** What a call of the command line came to; `document` is the one JSON document on its stdout. */
export interface Called<Document = RunDocument> {
  code: number | null;
  stdout: string;
  stderr: string;
  document: Document;
}

/** What `--json` prints when there is no run to tell of. */
export interface Refusal {
  error: { code: string; message: string; mend: string };
  exit_code: number;
}

export interface SiteOptions {
  /** what the builds 1, 2, 3 … do; an empty object is a good one */
  builds?: Behaviour[];
  /** more lines of the unit's section [Service] */
  service?: string[];
  /** keys of the target itself */
  keys?: string[];
  /** more lines of the target's tables, below those every site has: `[health]` and the like are spelled out in full */
  tables?: Partial<Record<'stop' | 'start' | 'health' | 'limits', string[]>>;
  /** the first build is deployed before the test begins */
  isDeployed?: boolean;
  /** whose manager runs the unit; default: the system's */
  user?: PlainUser;
}

/** One app on one target, `production`, with a unit, a port and a builds directory of its own. */
export interface Site extends Readonly<Omit<Places, 'head'>> {
  readonly sandbox: TestSandbox;
  readonly app: string;
  readonly unit: string;
  readonly port: number;
  /** the socket unit that holds the port, where there is one */
  readonly socket?: string;
  /** Adds the next build and gives its id. */
  add(behaviour?: Behaviour): Promise<string>;
  /** Runs `cutover COMMAND production … --json`. */
  call<Document = RunDocument>(
    command: string,
    words?: string[],
    options?: Partial<ExecOptions>,
  ): Promise<Called<Document>>;
  /** The same without `--json`, for its texts. */
  tell(command: string, ...words: string[]): Promise<{ code: number | null; stdout: string; stderr: string }>;
  /** Writes the configuration anew. */
  configure(options: Pick<SiteOptions, 'keys' | 'tables'>): Promise<void>;
}

/** The id of a site's build. */
export function buildId(number: number): string {
  return `dist.20260203-15${String(Math.floor(number / 60)).padStart(2, '0')}${String(number % 60).padStart(2, '0')}`;
}

let sites = 0;

/** A site of its own for a test, in the sandbox that the file shares. */
export async function makeSite(t: TestContext, options: SiteOptions = {}): Promise<Site> {
  const { user } = options;
  const sandbox = user?.sandbox ?? (await sandboxFor());
  sites += 1;
  const app = `shop${sites}`;
  const site = siteOn({ sandbox, app, port: 9000 + sites, unit: `${app}.service`, ...placesOf(app, user) }, user);
  for (const path of [site.builds, dirname(site.config), dirname(site.unitFile)])
    await mkdir(sandbox.hostPath(path), { recursive: true });
  await writeUnit(site, options.service);
  await site.configure(options);
  for (const behaviour of options.builds ?? [{}]) await site.add(behaviour);
  t.cleanup(() => removeSite(site));
  if (options.isDeployed ?? true) await deployFirst(site);
  return site;
}

function siteOn(facts: Omit<Site, 'add' | 'call' | 'tell' | 'configure'> & Places, user?: PlainUser): Site {
  const { sandbox, builds, config } = facts;
  let built = 0;
  // So that what is to be typed next says no more than it has to.
  const env = { CUTOVER_CONFIG: config };
  return {
    ...facts,
    async add(behaviour = {}) {
      built += 1;
      await makeBuild(sandbox.hostPath(builds), buildId(built), behaviour);
      await user?.own();
      return buildId(built);
    },
    async call<Document>(command: string, more: string[] = [], how: Partial<ExecOptions> = {}) {
      return calledFrom<Document>(
        await sandbox.cutover([command, 'production', ...more, '--json'], { ...how, env: { ...env, ...how.env } }),
      );
    },
    tell: (command, ...more) => sandbox.cutover([command, 'production', ...more], { env }),
    configure: (changed) => writeFile(sandbox.hostPath(config), configText(facts, changed)),
  };
}

/** Writes the unit's file and has systemd read it. */
export async function writeUnit(site: Site, extra: string[] = []): Promise<void> {
  const { sandbox, builds, port } = site;
  const text = unitFile({ buildsDir: builds, port, node: process.execPath, extra });
  await writeFile(sandbox.hostPath(site.unitFile), text);
  await sandbox.run('systemctl', 'daemon-reload');
}

/** Points `current` somewhere by hand. */
export async function pointCurrent({ sandbox, builds }: Site, destination: string): Promise<void> {
  const link = sandbox.hostPath(`${builds}/current`);
  await rm(link, { recursive: true, force: true });
  await symlink(destination, link);
}

/** A build that was good for a while: its process dies, and so do those that systemd starts in its place. */
export async function breakInService(site: Site, build: string): Promise<void> {
  const { sandbox, unit, socket } = site;
  await breakBuild(site, build);
  await sandbox.run('systemctl', 'kill', '--signal=KILL', unit);
  const state = ['systemctl', 'show', '--property=ActiveState,NRestarts', '--value', unit] as const;
  // Behind a socket it never gives up: that would close the socket.
  const isDown = socket === undefined ? /^failed$/m : /^[1-9]\d*$/m;
  await until('the unit is down', async () => isDown.test(await sandbox.run(...state)));
}

/** From its next start on a build crashes, or is bad in another way. */
export function breakBuild({ sandbox, builds }: Site, build: string, mode: Behaviour['mode'] = 'crash'): Promise<void> {
  return writeFile(sandbox.hostPath(`${builds}/${build}/behaviour.json`), JSON.stringify({ mode }));
}

/** What a finished call left, with its one document. */
export function calledFrom<Document = RunDocument>(result: {
  code: number | null;
  stdout: string;
  stderr: string;
}): Called<Document> {
  const { code, stdout, stderr } = result;
  const lines = stdout.split('\n').filter(Boolean);
  assert.is(lines.length, 1, `not one document on stdout: ${stdout}\nstderr: ${stderr}`);
  return { code, stdout, stderr, document: JSON.parse(stdout) as Document };
}

/** Asks again until it holds; for what no signal reaches a test. */
export async function until(what: string, ask: () => Promise<unknown>, timeoutMs = 30_000): Promise<void> {
  const allowedMs = patient(timeoutMs);
  const deadline = performance.now() + allowedMs;
  while (!(await ask())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${allowedMs / 1000} s`);
    await sleep(10);
  }
}

/** A log is named after the second of its run: of two runs in one, the second has a number in it too. */
export function untilNextSecond(): Promise<void> {
  return sleep(1000 - (Date.now() % 1000));
}

/** The path of one of the executables. */
export function executable(name: string): string {
  return `${repository}/bin/${name}.js`;
}

async function deployFirst(site: Site): Promise<void> {
  const { code, stderr } = await site.call('deploy', [buildId(1)]);
  assert.is(code, 0, `the first deploy failed: ${stderr}`);
}

async function removeSite({ sandbox, unit, folder, unitFile: file }: Site): Promise<void> {
  await sandbox.exec(['systemctl', 'stop', unit]);
  await sandbox.exec(['systemctl', 'reset-failed', unit]);
  for (const path of [file, folder]) await rm(sandbox.hostPath(path), { recursive: true, force: true });
}
