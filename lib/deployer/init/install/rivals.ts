import { basename } from 'node:path';
import { CutoverError } from '../../../base/errors.ts';
import type { Config } from '../../../config/model.ts';
import { digestOf, type InstallRecord } from './record.ts';
import { othersIn } from './taking-back.ts';
import { dropIn, type InstallFile } from './unit-files.ts';

/**
 * Our lines beside a unit are about one target of one configuration. Another one that says something else of a target of that
 * name has the same state, too: they would end each other's runs.
 * @throws `refused`, naming the other
 */
export async function requireNoRival(
  files: readonly InstallFile[],
  { record, config: { app, file: config } }: { record: InstallRecord; config: Pick<Config, 'app'> & { file: string } },
): Promise<void> {
  for (const { path, text } of files.filter((file) => basename(file.path) === dropIn)) {
    const { digests = [], for: owners = [] } = record.files[path] ?? {};
    if (digests.includes(digestOf(text))) continue;
    const [other] = await othersIn(owners, config);
    if (other === undefined) continue;
    const what = `${other} has a target of that name of ${app} too, and ${path} says what that one needs`;
    throw new CutoverError('refused', `${what}; nothing was written`, {
      mend: `another app or another name of the target in ${config}; or first: cutover init --uninstall --config ${other}`,
    });
  }
}
