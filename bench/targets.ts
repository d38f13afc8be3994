import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nextBuild } from './bed.ts';
import { runToEnd } from './process.ts';

export const manyConfig = '/etc/cutover/many.toml';

const unitOf = (number: number): string => `bench-many@${number}.service`;
const buildsOf = (number: number): string => `/srv/bench/targets/${number}`;

/** So many services that do nothing, each a target with a build in service. @returns their units */
export async function makeManyTargets(count: number): Promise<string[]> {
  await writeFile('/etc/systemd/system/bench-many@.service', unitText);
  await runToEnd(['systemctl', 'daemon-reload']);
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  for (const number of numbers) {
    const build = nextBuild();
    await mkdir(join(buildsOf(number), build), { recursive: true });
    await writeFile(join(buildsOf(number), build, 'app'), '');
    await symlink(build, join(buildsOf(number), 'current'));
  }
  const targets = numbers.map(
    (number) => `[targets.n${number}]\nunit = "${unitOf(number)}"\nbuilds = "${buildsOf(number)}"\n`,
  );
  await writeFile(manyConfig, `app = "many"\n${targets.join('')}`, { mode: 0o600 });
  const units = numbers.map(unitOf);
  await runToEnd(['systemctl', 'start', ...units]);
  return units;
}

const unitText = `[Unit]
Description=Bench target %i
[Service]
WorkingDirectory=/srv/bench/targets/%i/current
ExecStart=/bin/sleep infinity
`;
