import { mkdir, rm, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { StartedProcess } from '../../../lib/base/exec.ts';
import type { RecoveryReport, TargetRecovery } from '../../../lib/report/recovery-report.ts';
import type { RunDocument } from '../../../lib/run/document.ts';
import { type Called, buildId, calledFrom, until } from '../../deploy/site.ts';
import { sandboxFor, type TestSandbox } from '../../sandboxed.ts';
import { type Behaviour, makeBuild, unitFile } from '../../services/builds.ts';
import type { TestContext } from '../../suite.ts';

export const names = ['backend', 'frontend', 'helper'] as const;
export type Name = (typeof names)[number];

/** Several services of one app, each with its own unit, port and builds. */
export interface Fleet {
  readonly sandbox: TestSandbox;
  readonly app: string;
  readonly config: string;
  readonly unit: (name: Name) => string;
  readonly port: (name: Name) => number;
  readonly builds: (name: Name) => string;
  readonly state: (name: Name) => string;
  /** Runs a command on the fleet to its end. */
  call<Document = RecoveryReport>(...words: string[]): Promise<Called<Document>>;
  start(...words: string[]): Promise<StartedProcess>;
  add(name: Name, number: number, behaviour?: Behaviour): Promise<void>;
  /** Writes the configuration anew. */
  configure(more?: { recovery?: string[]; tables?: string[]; head?: string[]; keys?: string[] }): Promise<void>;
  /** Down, as after a stop by hand. */
  stop(name: Name): Promise<void>;
  isUp(name: Name): Promise<boolean>;
  runs(name: Name): Promise<RunDocument[]>;
}

const quick = ['attempts = 2', 'delay = "200ms"', 'phases = [["backend"], ["frontend"], ["helper"]]'];
let fleets = 0;

/** A fleet whose first builds are deployed and healthy. @param service more lines of the units' section [Service] */
export async function makeFleet(t: TestContext, { service = [] }: { service?: string[] } = {}): Promise<Fleet> {
  const sandbox = await sandboxFor();
  fleets += 1;
  const fleet = fleetOn(sandbox, `fleet${fleets}`, 9200 + fleets * 10);
  t.cleanup(() => removeFleet(fleet));
  for (const name of names) {
    await mkdir(sandbox.hostPath(fleet.builds(name)), { recursive: true });
    await fleet.add(name, 1);
    const [buildsDir, port, node] = [fleet.builds(name), fleet.port(name), process.execPath];
    const text = unitFile({ buildsDir, port, node, extra: service });
    await writeFile(sandbox.hostPath(`/etc/systemd/system/${fleet.unit(name)}`), text);
  }
  await sandbox.run('systemctl', 'daemon-reload');
  await fleet.configure();
  for (const name of names) {
    const { code, stderr } = await fleet.call('deploy', name);
    assert.is(code, 0, `the first deploy of ${name} failed: ${stderr}`);
  }
  return fleet;
}

function fleetOn(sandbox: TestSandbox, app: string, port: number): Fleet {
  const config = `/etc/cutover-${app}.toml`;
  const fleet: Fleet = {
    sandbox,
    app,
    config,
    unit: (name) => `${app}-${name}.service`,
    port: (name) => port + names.indexOf(name),
    builds: (name) => `/srv/${app}/${name}`,
    state: (name) => `/var/lib/cutover/${app}/${name}`,
    async call<Document>(...words: string[]) {
      return calledFrom<Document>(await sandbox.cutover([...words, '--json'], { env: { CUTOVER_CONFIG: config } }));
    },
    start: (...words) => sandbox.startCutover([...words, '--config', config, '--json']),
    async add(name, number, behaviour = {}) {
      await makeBuild(sandbox.hostPath(fleet.builds(name)), buildId(number), behaviour);
    },
    configure: (more) => writeFile(sandbox.hostPath(config), configText(fleet, more)),
    stop: async (name) => void (await sandbox.run('systemctl', 'stop', fleet.unit(name))),
    isUp: async (name) => (await sandbox.exec(['systemctl', 'is-active', fleet.unit(name)])).code === 0,
    runs: async (name) => (await fleet.call<{ runs: RunDocument[] }>('history', name)).document.runs,
  };
  return fleet;
}

function configText(
  fleet: Fleet,
  {
    recovery = quick,
    tables = [],
    head = [],
    keys = [],
  }: { recovery?: string[]; tables?: string[]; head?: string[]; keys?: string[] } = {},
): string {
  const targets = names.flatMap((name) => [
    `[targets.${name}]`,
    `unit = "${fleet.unit(name)}"`,
    `builds = "${fleet.builds(name)}"`,
    `port = ${fleet.port(name)}`,
    ...keys,
    `[targets.${name}.start]`,
    'timeout = "10s"',
    `[targets.${name}.health]`,
    `url = "http://127.0.0.1:${fleet.port(name)}/api/health"`,
    'json = { status = "healthy" }',
    'attempts = 2',
    'interval = "50ms"',
    'timeout = "10s"',
    `[targets.${name}.limits]`,
    'disk_used = "99%"',
    'memory_available = "50M"',
  ]);
  const top = [`app = "${fleet.app}"`, `logs = "/var/log/cutover/${fleet.app}"`, ...head];
  return `${[...top, ...targets, ...tables, '[recovery]', ...recovery].join('\n')}\n`;
}

/** What a report says of one target. */
export function about(report: RecoveryReport, name: Name): TargetRecovery {
  const found = report.targets.find(({ target }) => target === name);
  assert.ok(found, `nothing about ${name}`);
  return found;
}

/** The build in service crashes from now on, and systemd has given up starting it. */
export async function wearOut(fleet: Fleet, name: Name, isBrokenForGood: boolean): Promise<void> {
  const { sandbox } = fleet;
  const behaviour = sandbox.hostPath(`${fleet.builds(name)}/${buildId(1)}/behaviour.json`);
  await writeFile(behaviour, '{"mode":"crash"}');
  await sandbox.run('systemctl', 'kill', '--signal=KILL', fleet.unit(name));
  const isFailed = async (): Promise<boolean> =>
    (await sandbox.exec(['systemctl', 'is-failed', fleet.unit(name)])).code === 0;
  await until('systemd has given up', isFailed);
  if (!isBrokenForGood) await writeFile(behaviour, '{}');
}

/** A program of no unit of ours takes the port. */
export async function takePort(t: TestContext, fleet: Fleet, name: Name): Promise<StartedProcess> {
  const script = `require('node:http').createServer((q, s) => s.end('stranger')).listen(${fleet.port(name)})`;
  const child = await fleet.sandbox.spawn([process.execPath, '-e', script]);
  t.cleanup(() => child.kill('SIGKILL'));
  child.stdout.resume();
  child.stderr.resume();
  const ask = ['curl', '--silent', `http://127.0.0.1:${fleet.port(name)}`] as const;
  await until('it listens', async () => (await fleet.sandbox.exec(ask)).code === 0);
  return child;
}

/** No target is held or in flight, and no unit of ours is left. */
export async function assertTidy({ sandbox, app }: Fleet): Promise<void> {
  const list = ['systemctl', 'list-units', `cutover*${app}*`, '--all', '--plain', '--no-legend'] as const;
  await until('no unit of cutover is left', async () => (await sandbox.run(...list)) === '');
  const marks = await sandbox.run('find', `/var/lib/cutover/${app}`, '-name', 'in-flight');
  assert.is(marks, '', 'in-flight is left');
}

async function removeFleet({ sandbox, app, config, unit }: Fleet): Promise<void> {
  for (const name of names) {
    await sandbox.exec(['systemctl', 'stop', unit(name)]);
    await sandbox.exec(['systemctl', 'reset-failed', unit(name)]);
    await rm(sandbox.hostPath(`/etc/systemd/system/${unit(name)}`), { force: true });
  }
  for (const path of [config, `/srv/${app}`]) await rm(sandbox.hostPath(path), { recursive: true, force: true });
}
