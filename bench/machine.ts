import { cpus, loadavg, release, totalmem } from 'node:os';
import type { Machine } from './model.ts';
import { runToEnd } from './process.ts';

/** What it is measured on; asked before the first round. */
export async function describeMachine(): Promise<Machine> {
  const [loadBefore = 0] = loadavg();
  const [, systemd = '?'] = /^systemd (\d+)/.exec(await runToEnd(['systemctl', '--version'])) ?? [];
  const [kernel = '?'] = release().split('.');
  return {
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel,
    node: process.versions.node,
    systemd,
    loadBefore,
  };
}
