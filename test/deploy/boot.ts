import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repository } from '../sandboxed.ts';
import { executable, type Site } from './site.ts';

/** Puts the shipped boot unit in place for a site, ordered before its unit, and enables both. */
export async function installBootUnit({ sandbox, app, unit }: Site): Promise<string> {
  const instance = `cutover-settle@${app}-production.service`;
  const directory = '/etc/systemd/system';
  const shipped = await readFile(join(repository, 'units/cutover-settle@.service'), 'utf8');
  const command = `${process.execPath} ${executable('cutover')}`;
  const text = shipped.replace('ExecStart=/usr/bin/cutover', `ExecStart=${command}`);
  await writeFile(sandbox.hostPath(join(directory, 'cutover-settle@.service')), text);
  const dropIn = sandbox.hostPath(join(directory, `${instance}.d`));
  await mkdir(dropIn, { recursive: true });
  await writeFile(join(dropIn, 'unit.conf'), `[Unit]\nBefore=${unit}\n`);
  await sandbox.run('systemctl', 'daemon-reload');
  await sandbox.run('systemctl', 'enable', instance, unit);
  return instance;
}
