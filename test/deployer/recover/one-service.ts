import { appendFile } from 'node:fs/promises';
import type { RecoveryReport, TargetRecovery } from '../../../lib/report/recovery-report.ts';
import * as assert from 'uvu/assert';
import { type Called, type Site, until } from '../../deploy/site.ts';

/** Adds to a site's configuration how it is recovered, and hooks. */
export async function configureRecovery(
  { sandbox, config }: Site,
  { recovery = ['attempts = 1'], hooks = [] }: { recovery?: string[]; hooks?: string[] },
): Promise<void> {
  const lines = ['[recovery]', ...recovery, ...(hooks.length > 0 ? ['[targets.production.hooks]', ...hooks] : [])];
  await appendFile(sandbox.hostPath(config), `${lines.join('\n')}\n`);
}

/** Runs `cutover recover` on a site, and gives what it says of its one target. */
export async function recoverSite(site: Site): Promise<Called<RecoveryReport> & { told: TargetRecovery }> {
  const called = await site.call<RecoveryReport>('recover');
  return { ...called, told: onlyOne(called.document) };
}

export function onlyOne({ targets }: RecoveryReport): TargetRecovery {
  const [told, ...others] = targets;
  assert.ok(told && others.length === 0);
  return told;
}

export async function untilUp({ sandbox, unit }: Site): Promise<void> {
  await until('it is up', async () => (await sandbox.exec(['systemctl', 'is-active', unit])).code === 0, 20_000);
}
