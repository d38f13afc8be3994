import { cp, mkdir, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchApp, Mode } from './model.ts';
import { runToEnd, sleep } from './process.ts';

export const here = dirname(fileURLToPath(import.meta.url));
const archives = '/srv/bench/archives';
/** Written by a build that crashes, at its first death. */
export const failedAtPath = '/run/bench/failed-at';
export const manyBuilds = '/srv/bench/many';

export const apps: readonly BenchApp[] = [
  { name: 'fast' as const, readyMs: 40, port: 9040, ballast: null },
  { name: 'heavy' as const, readyMs: 40, port: 9041, ballast: '/srv/cutover/dist' },
  { name: 'slow' as const, readyMs: 300, port: 9300, ballast: null },
].map((app) => ({ ...app, unit: `bench-${app.name}.service`, builds: `/srv/bench/${app.name}` }));

/** Makes units, archives and configuration, and starts each app's first build. */
export async function prepareBed(): Promise<void> {
  await mkdir(dirname(failedAtPath), { recursive: true });
  await mkdir(archives, { recursive: true });
  for (const app of apps) {
    await mkdir(app.builds);
    for (const mode of ['good', 'crash', 'sick'] as const) await packArchive(app, mode);
    await writeFile(`/etc/systemd/system/${app.unit}`, unitText(app));
    const build = nextBuild();
    await mkdir(join(app.builds, build));
    await runToEnd(['tar', '-xzf', archiveOf(app, 'good'), '-C', join(app.builds, build)]);
    await symlink(build, join(app.builds, 'current'));
  }
  await mkdir('/etc/cutover');
  await writeFile('/etc/cutover/cutover.toml', configText(), { mode: 0o600 });
  await runToEnd(['systemctl', 'daemon-reload']);
  for (const app of apps) await restartByHand(app);
}

/** One build after the other has a later name, however many are made in a second. */
export function nextBuild(): string {
  made += 1;
  const stamp = new Date(Date.UTC(2026, 0, 1) + made * 1000).toISOString().replaceAll(/[-:]|\..*/g, '');
  return `dist.${stamp.replace('T', '-')}`;
}
let made = 0;

export const archiveOf = ({ name }: BenchApp, mode: Mode): string => join(archives, `${name}-${mode}.tar.gz`);
export const currentOf = ({ builds }: BenchApp): Promise<string> => readlink(join(builds, 'current'));

/** Before each measurement: no start counted, no trace of an old failure, few builds, and a moment of rest. */
export async function tidy({ unit, builds }: BenchApp): Promise<void> {
  await runToEnd(['systemctl', 'reset-failed', unit]);
  await rm(failedAtPath, { force: true });
  const names = (await readdir(builds)).filter((name) => name.startsWith('dist.')).toSorted();
  const current = await readlink(join(builds, 'current'));
  for (const name of names) {
    if (name !== current) await rm(join(builds, name), { recursive: true });
  }
  await sleep(150);
}

/** What a person does after a deploy that left a bad build behind. */
export async function putBack(app: BenchApp, good: string): Promise<void> {
  await runToEnd(['ln', '-sfn', good, join(app.builds, 'current')]);
  await restartByHand(app);
}

async function restartByHand({ unit, port }: BenchApp): Promise<void> {
  await runToEnd(['systemctl', 'reset-failed', unit]).catch(() => {});
  await runToEnd(['systemctl', 'restart', unit]);
  const retry = ['--retry', '50', '--retry-delay', '0', '--retry-max-time', '5', '--retry-connrefused'];
  await runToEnd(['curl', '--silent', '--fail', '--output', '/dev/null', ...retry, `http://127.0.0.1:${port}/`]);
}

/** Builds that are only there to be listed, one file in each. */
export async function makeManyBuilds(count: number): Promise<void> {
  await mkdir(manyBuilds);
  for (let number = 0; number < count; number += 1) {
    const build = join(manyBuilds, nextBuild());
    await mkdir(build);
    await writeFile(join(build, 'app.mjs'), 'export {};\n');
    if (number === 0) await symlink(build.slice(manyBuilds.length + 1), join(manyBuilds, 'current'));
  }
}

async function packArchive(app: BenchApp, mode: Mode): Promise<void> {
  const folder = join(archives, `${app.name}-${mode}`);
  await mkdir(folder);
  await cp(join(here, 'app.mjs'), join(folder, 'app.mjs'));
  if (app.ballast !== null) await cp(app.ballast, join(folder, 'ballast'), { recursive: true });
  await writeFile(join(folder, 'build.json'), JSON.stringify({ readyMs: app.readyMs, port: app.port, mode }));
  await runToEnd(['tar', '-czf', archiveOf(app, mode), '-C', folder, '.']);
}

const unitText = ({ name, builds }: BenchApp): string => `[Unit]
Description=Bench app ${name}
[Service]
Type=simple
WorkingDirectory=${builds}/current
ExecStart=${process.execPath} app.mjs
Restart=always
`;

const configText = (): string => `app = "bench"
[defaults.limits]
disk_used = "99%"
${apps.map(targetText).join('')}
[targets.many]
unit = "bench-many.service"
builds = "${manyBuilds}"
`;

const targetText = ({ name, unit, builds, port }: BenchApp): string => `
[targets.${name}]
unit = "${unit}"
builds = "${builds}"
port = ${port}
[targets.${name}.health]
url = "http://127.0.0.1:${port}/health"
attempts = 3
interval = "500ms"
`;
