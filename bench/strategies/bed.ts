import { cp, mkdir, readlink, symlink, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { nextBuild } from '../bed.ts';
import { runToEnd, sleep } from '../process.ts';
import { facts } from './facts.ts';
import type { Mode, Strategy } from './model.ts';

const here = import.meta.dirname;
const repository = dirname(dirname(here));
const archives = '/srv/bench/archives';
const modes = ['good', 'crash', 'sick', 'dies'] as const;

/** A service of its own for each strategy, and one for the scripts. */
export interface Service {
  name: Strategy | 'scripts';
  strategy: Strategy;
  unit: string;
  builds: string;
  port: number;
  /** where its processes write down their lives */
  lifeFile: string;
}

export const services: readonly Service[] = (['restart', 'socket', 'overlap', 'scripts'] as const).map(
  (name, index) => ({
    name,
    strategy: name === 'scripts' ? 'restart' : name,
    unit: `bench-${name}.service`,
    builds: `/srv/bench/${name}`,
    port: 9_100 + index,
    lifeFile: `/run/bench/${name}.jsonl`,
  }),
);

/** Makes units, archives and configuration, and starts each service's first build. */
export async function prepareBed(): Promise<void> {
  await mkdir('/run/bench', { recursive: true });
  await mkdir(archives, { recursive: true });
  for (const mode of modes) await packArchive(mode);
  for (const service of services) {
    await mkdir(service.builds, { recursive: true });
    await symlink(await addBuild(service, 'good'), join(service.builds, 'current'));
    for (const [name, text] of unitsOf(service)) await writeFile(`/etc/systemd/system/${name}`, text);
  }
  await mkdir('/etc/cutover');
  await writeFile('/etc/cutover/cutover.toml', configText(), { mode: 0o600 });
  await runToEnd(['systemctl', 'daemon-reload']);
  for (const { strategy, unit } of services) {
    if (strategy !== 'restart') await runToEnd(['systemctl', 'start', unit.replace('.service', '.socket')]);
    await runToEnd(['systemctl', 'start', unit]);
  }
  for (const service of services) await untilServes(service);
}

/** Puts a build beside the others. @returns its id */
export async function addBuild({ builds }: Service, mode: Mode): Promise<string> {
  const build = nextBuild();
  await writeBuild(join(builds, build), mode);
  return build;
}

export const archiveOf = (mode: Mode): string => join(archives, `${mode}.tar.gz`);
export const currentOf = ({ builds }: Service): Promise<string> => readlink(join(builds, 'current'));

/** The build that answers on the port, or what is wrong with it. No connection stays open: a drain would wait for it. */
export function servedBy({ port }: Service): Promise<string> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, agent: false, timeout: 2_000 }, (response) => {
      const named = text(response).then((body) =>
        response.statusCode === 200 ? (JSON.parse(body) as { build: string }).build : body,
      );
      resolve(named.catch(String));
    });
    request.once('timeout', () => request.destroy(new Error('no answer')));
    request.once('error', (error) => resolve(error.message));
  });
}

/** What a person does after a script that left a bad build behind. */
export async function putBack(service: Service, build: string): Promise<void> {
  await runToEnd(['ln', '-sfn', build, join(service.builds, 'current')]);
  await runToEnd(['systemctl', 'reset-failed', service.unit]).catch(() => {});
  await runToEnd(['systemctl', 'restart', service.unit]);
  await untilServes(service);
}

async function untilServes(service: Service): Promise<void> {
  const wanted = await currentOf(service);
  const deadline = performance.now() + 10_000;
  for (let found = ''; found !== wanted; found = await servedBy(service)) {
    if (performance.now() > deadline) throw new Error(`${service.name} does not serve ${wanted}: ${found}`);
    await sleep(20);
  }
}

async function writeBuild(folder: string, mode: Mode): Promise<void> {
  const { readyMs, slowMs, diesAfterMs } = facts;
  await mkdir(folder, { recursive: true });
  await cp(join(here, 'app.mjs'), join(folder, 'app.mjs'));
  await cp(join(repository, 'examples/node-socket/drain.mjs'), join(folder, 'drain.mjs'));
  await writeFile(join(folder, 'build.json'), JSON.stringify({ readyMs, slowMs, diesAfterMs, mode }));
}

async function packArchive(mode: Mode): Promise<void> {
  const folder = join(archives, mode);
  await writeBuild(folder, mode);
  await runToEnd(['tar', '-czf', archiveOf(mode), '-C', folder, '.']);
}

/** As in examples/, without the hardening. */
function unitsOf({ name, strategy, builds, port, lifeFile }: Service): [name: string, text: string][] {
  const socket = `bench-${name}.socket`;
  const behind = strategy === 'restart' ? '' : `Requires=${socket}\nAfter=${socket}\n`;
  const unit = `[Unit]\nStartLimitIntervalSec=0\n${behind}`;
  const service = `[Service]
Type=exec
ExecStart=${process.execPath} app.mjs
Environment=PORT=${port} LIFE_FILE=${lifeFile} DRAIN_PAUSE_MS=${strategy === 'overlap' ? 6_000 : 200}
NonBlocking=yes
KillMode=mixed
TimeoutStopSec=10s
`;
  const main = `${unit}${service}WorkingDirectory=${builds}/current\nRestart=always\nRestartSec=1s\n`;
  const port_ = `[Socket]\nListenStream=127.0.0.1:${port}\nBacklog=4096\nTriggerLimitIntervalSec=0\n`;
  const standIn = `${unit}${service}WorkingDirectory=${builds}/%i\nSockets=${socket}\nRestart=no\n`;
  return [
    [`bench-${name}.service`, main],
    ...(strategy === 'restart' ? [] : [[socket, port_] as [string, string]]),
    ...(strategy === 'overlap' ? [[`bench-${name}-next@.service`, standIn] as [string, string]] : []),
  ];
}

const configText = (): string => `app = "bench"
[defaults.limits]
disk_used = "99%"
memory_available = "100M"
${services
  .filter(({ name }) => name !== 'scripts')
  .map(targetText)
  .join('')}`;

/** What a build dies of soon after its start is seen only while it is looked at. */
const targetText = ({ name, strategy, unit, builds, port }: Service): string => `
[targets.${name}]
unit = "${unit}"
builds = "${builds}"
strategy = "${strategy}"
port = ${port}
[targets.${name}.health]
url = "http://127.0.0.1:${port}/health"
attempts = 3
interval = "200ms"
healthy_for = "300ms"
`;
