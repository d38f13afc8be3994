import { join } from 'node:path';
import { ownFile } from '../../../base/own-files.ts';
import type { Config } from '../../../config/model.ts';
import { type InstallFile, mark } from './unit-files.ts';

const shippedLogs = '/var/log/cutover';

/** The rule by which systemd-tmpfiles(8) takes away the logs of targets that nobody deploys any more. */
export function logRule({ app, logs, manager }: Pick<Config, 'app' | 'logs' | 'manager'>, folder: string): InstallFile {
  const shipped = ownFile('units/cutover.tmpfiles');
  const isCommon = manager === 'system' && logs === shippedLogs;
  const rule = isCommon ? shipped : shipped.replace(/^e .*$/m, () => `e ${wordOf(logs)} - - - m:180d`);
  const path = join(folder, isCommon ? 'cutover.conf' : `cutover-${app}.conf`);
  return { path, text: `${mark}\n${rule}`, mode: 0o644, known: [shipped], isNeeded: false };
}

/** As tmpfiles.d(5) reads a path: with specifiers, and in quotes where it holds spaces. */
function wordOf(path: string): string {
  const text = path.replaceAll('%', '%%').replaceAll(/["\\]/g, String.raw`\$&`);
  return /^[\w@%+=:,./-]+$/.test(path) ? text : `"${text}"`;
}
