import { isCutoverError } from '../base/errors.ts';
import type { Command } from '../base/exec.ts';
import { openController, sleep } from '../base/wait.ts';
import { leaveScope, scopeNames, takeScope } from '../systemd/scope.ts';
import { openSystemd, type Systemd } from '../systemd/systemd.ts';
import { nameOfSelf } from '../systemd/typed.ts';
import type { Ground } from './lock.ts';
import { takeGround } from './same-ground.ts';
import type { StatePaths } from './state.ts';

export interface HoldRequest {
  systemd: Systemd;
  paths: StatePaths;
  app: string;
  target: string;
  /** what to tell others who want the target */
  doing: string;
  ground: Ground | Promise<Ground>;
  waitMs: number;
  signal: AbortSignal;
  /** what systemd runs when this process dies in the middle */
  settle: Command;
  environment: Record<string, string>;
  onWaiting: (holder: string) => void;
  onUnguarded: (why: string) => void;
  /** for what goes on without a lock where there can be none */
  onLockless?: ((why: string) => void) | undefined;
}

/** Set for the settle unit's own process: systemd runs it already, and it needs no guard of the same name. */
export const guardedVariable = 'CUTOVER_IN_SETTLE_UNIT';

/** A scope of the last run is gone some milliseconds after its process, or after it was ended. */
const scopeGoneMs = 3_000;

/** A target that this process holds. */
export interface Hold {
  /**
   * Has systemd keep the process, and end its work when it dies: to be awaited before the first change. The manager
   * answers nobody meanwhile, which may be 30 ms, so what it is asked is asked before. Safe to repeat.
   */
  guard: () => Promise<void>;
  /** other targets of the same unit or builds, which are held as well */
  others: readonly StatePaths[];
  release: () => Promise<void>;
}

/**
 * Takes the target for this process: the kernel's lock, which says who is the one. The scope, which keeps the process
 * when its terminal goes and ends its work when it dies, comes with the guard.
 * @throws `locked`, `permission`, `disk`
 */
export async function takeHold(request: HoldRequest): Promise<Hold> {
  const lock = await takeGround(request.paths, request);
  let guarded: Promise<void> | undefined;
  return {
    others: lock.others,
    guard() {
      guarded ??= process.env[guardedVariable] ? Promise.resolve() : takeGuard(request);
      // Whoever needs the guard awaits it; whoever fails before that must not fail twice.
      guarded.catch(() => {});
      return guarded;
    },
    async release() {
      // A process that ends while it is being put into its scope would leave an empty one behind.
      await guarded?.catch(() => {});
      await lock.release();
    },
  };
}

/** The same with the guard, for who has nothing to ask before. @throws `locked`, `permission`, `disk` */
export async function holdTarget(request: HoldRequest): Promise<Hold> {
  const hold = await takeHold(request);
  try {
    await hold.guard();
  } catch (error) {
    await hold.release();
    throw error;
  }
  return hold;
}

/**
 * Leaves the scope of a run that has ended, for whoever still has to wait for something else: the next run finds the scope's
 * name free and its own guard at once. Never an error: then the scope stays until the process ends.
 */
export async function leaveHold({
  systemd,
  app,
  target,
}: Pick<HoldRequest, 'systemd' | 'app' | 'target'>): Promise<void> {
  if (process.env[guardedVariable]) return;
  const scope = { app, target, pid: process.pid };
  await leaveScope(systemd, scope).catch(async (error: unknown) => {
    if (!isCutoverError(error, 'permission')) return;
    const own = await openSystemd('user').catch(() => null);
    if (!own) return;
    await leaveScope(own, scope)
      .catch(() => {})
      .finally(() => own.close());
  });
}

async function takeGuard(request: HoldRequest): Promise<void> {
  try {
    await takeScopeSoon(request);
  } catch (error) {
    if (!isCutoverError(error, 'permission', 'unit_exists', 'no_such_unit', 'timeout', 'failed')) throw error;
    const isRefused = error.code === 'permission';
    if (isRefused && (await isGuardedByOwnManager(request))) return;
    // The lock still guards, and the next command settles.
    request.onUnguarded(isRefused ? error.message + mendUnguarded() : error.message);
  }
}

function mendUnguarded(): string {
  if (process.getuid?.() === 0) return '';
  return ` A manager of your own would guard it: sudo loginctl enable-linger ${nameOfSelf()}`;
}

/** A plain user whom the system's manager refuses a scope may have a manager of their own that holds one. */
async function isGuardedByOwnManager(request: HoldRequest): Promise<boolean> {
  const systemd = await openSystemd('user').catch(() => null);
  if (!systemd) return false;
  return takeScopeSoon({ ...request, systemd })
    .then(
      () => true,
      () => false,
    )
    .finally(() => systemd.close());
}

async function takeScopeSoon({ systemd, paths, app, target, settle, environment, signal }: HoldRequest): Promise<void> {
  const scope = {
    app,
    target,
    pid: process.pid,
    afterwards: settle,
    condition: paths.inFlight,
    environment: { ...environment, [guardedVariable]: '1' },
    isSettleTaken: false,
  };
  let until = Infinity;
  for (;;) {
    try {
      return await takeScope(systemd, scope);
    } catch (error) {
      if (!isCutoverError(error, 'unit_exists') || performance.now() > until) throw error;
      scope.isSettleTaken = await isAtWork(systemd, scopeNames(app, target).settle);
      // With the lock held, a scope of this name is one that its dead process has left behind.
      await endEmptyScope(systemd, { app, target });
      // Counted from here: a busy manager may have taken longer than that for its first answer.
      until = Math.min(until, performance.now() + scopeGoneMs);
      await sleep(10, signal);
    }
  }
}

/** With the lock held, a settle that is at work has ended its run, and tells others of it, which may take a while. */
async function isAtWork(systemd: Systemd, unit: string): Promise<boolean> {
  return (await systemd.processes(unit)).length > 0;
}

/** A process that died while it was put into its scope has left one that nobody is in, and that systemd keeps for ever. */
async function endEmptyScope(systemd: Systemd, { app, target }: { app: string; target: string }): Promise<void> {
  const { scope } = scopeNames(app, target);
  const { signal } = openController();
  if ((await systemd.processes(scope)).length > 0) return;
  await systemd.stop(scope, { timeoutMs: scopeGoneMs, signal }).catch(() => {});
}
