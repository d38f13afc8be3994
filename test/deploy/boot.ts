import * as assert from 'uvu/assert';
import { init } from './initiating.ts';
import type { Site } from './site.ts';

/** Puts the boot unit in place for a site, as a person does, and enables the site's own unit. @returns the boot unit's name */
export async function installBootUnit({ sandbox, config, unit }: Site): Promise<string> {
  const { code, document, stderr } = await init(sandbox, '--install', '--config', config);
  assert.is(code, 0, stderr);
  await sandbox.run('systemctl', 'enable', unit);
  const [installed] = document.units;
  if (!installed) throw new Error(`nothing was installed: ${stderr}`);
  return installed.unit;
}
