import { join, normalize } from 'node:path';
import { ownFile } from '../../../base/own-files.ts';
import type { Config } from '../../../config/model.ts';
import { defaultState } from '../../../config/parse.ts';
import type { Surroundings } from '../places.ts';
import { type InstallFile, mark } from './unit-files.ts';

const shippedLogs = '/var/log/cutover';

/** How old logs go when nobody deploys: by a file, or not at all, and then a note says so. */
export interface LogRule {
  files: InstallFile[];
  notes: string[];
}

/**
 * The rule by which systemd-tmpfiles(8) takes away the logs of targets that nobody deploys any more. It goes by age alone, so there
 * is none for a directory in which others may write, too.
 * @param folder where rules of the manager's owner are
 */
export function logRule(
  { app, logs, manager }: Pick<Config, 'app' | 'logs' | 'manager'>,
  folder: string,
  { env }: Pick<Surroundings, 'env'>,
): LogRule {
  const own =
    manager === 'system' ? [shippedLogs, `${shippedLogs}-${app}`] : [join(defaultState(manager, env), 'logs')];
  if (!own.some((path) => `${normalize(logs)}/`.startsWith(`${path}/`))) {
    const why = `it may hold files of others, so there is no rule by which systemd removes old logs there`;
    return { files: [], notes: [`${logs}: ${why}; cutover prune keeps the newest hundred of a target`] };
  }
  const shipped = ownFile('units/cutover.tmpfiles');
  const isCommon = manager === 'system' && logs === shippedLogs;
  const rule = isCommon ? shipped : shipped.replace(/^e .*$/m, () => `e ${wordOf(logs)} - - - m:180d`);
  const path = join(folder, isCommon ? 'cutover.conf' : `cutover-${app}.conf`);
  return { files: [{ path, text: `${mark}\n${rule}`, mode: 0o644, known: [shipped], isNeeded: false }], notes: [] };
}

/** As tmpfiles.d(5) reads a path: with specifiers, and in quotes where it holds spaces. */
function wordOf(path: string): string {
  const text = path.replaceAll('%', '%%').replaceAll(/["\\]/g, String.raw`\$&`);
  return /^[\w@%+=:,./-]+$/.test(path) ? text : `"${text}"`;
}
