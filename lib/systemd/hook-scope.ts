import { readFile } from 'node:fs/promises';
import { CutoverError, isCutoverError } from '../base/errors.ts';
import { variantMaker } from './bus.ts';
import { promptJobMs } from './jobs.ts';
import { escapeUnitName } from './names.ts';
import { unitIn } from './processes.ts';
import type { Systemd } from './systemd.ts';

/** From SIGTERM to SIGKILL, for what does not end by itself. */
const graceUsec = 5n * 1_000_000n;
const stopMs = 30_000;

/**
 * The scope of a target's hook. While the target is held there is one hook at a time, and whoever holds it next knows the
 * name. What runs after a run names that: the next one may be at work. No app's own scope is called like this, and no name has a
 * colon in it: "shop-eu" and "production" are not "shop" and "eu-production".
 */
export function hookScope(app: string, target: string, run?: string): string {
  const names = [app, target, ...(run === undefined ? [] : [run])];
  return `cutover.hook-${names.map(escapeUnitName).join(':')}.scope`;
}

/**
 * Puts a process into a hook's scope: with all that it will start, wherever that moves itself. Where a unit of ours keeps
 * this process, the scope is bound to that: systemd ends the hook when its deployer dies.
 * @throws `permission`; `unit_exists` when there is such a scope already; `failed` when the process is not in it
 */
export async function enterHookScope(
  systemd: Systemd,
  { scope, pid, app, target }: { scope: string; pid: number; app: string; target: string },
): Promise<void> {
  const variant = await variantMaker();
  const own = await ownUnit();
  const properties = [
    ['Description', variant('s', `a hook of cutover at work on ${target} of ${app}`)],
    ['PIDs', variant('au', [pid])],
    ['CollectMode', variant('s', 'inactive-or-failed')],
    ['TimeoutStopUSec', variant('t', graceUsec)],
    ...(own === null ? [] : [['BindsTo', variant('as', [own])]]),
  ];
  const ended = await systemd.startTransient(scope, properties, [], { timeoutMs: promptJobMs });
  if (ended !== 'done') throw new CutoverError('failed', `the start job of ${scope} ended as ${ended}`);
}

/**
 * Ends whatever is left in a hook's scope, and returns when it is gone: SIGTERM, and SIGKILL after five seconds.
 * @returns how many processes were there
 */
export async function endHookScope(systemd: Systemd, scope: string): Promise<number> {
  const left = await systemd.processes(scope);
  // One that is empty goes by itself, but not before the next hook may want its name.
  if (left.length === 0 && (await systemd.property(scope, 'Unit', 'ActiveState')) === 'inactive') return 0;
  await systemd.stop(scope, { timeoutMs: stopMs }).catch((error: unknown) => {
    if (!isCutoverError(error, 'no_such_unit')) throw error;
  });
  return left.length;
}

/** The unit of ours that this process is in: a run's scope, what goes on after it, or the service that settles. */
async function ownUnit(): Promise<string | null> {
  const unit = unitIn(await readFile('/proc/self/cgroup', 'utf8').catch(() => ''));
  return unit !== null && unit.startsWith('cutover-') ? unit : null;
}
