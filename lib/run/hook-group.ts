import { isCutoverError } from '../base/errors.ts';
import { endHookScope, enterHookScope, hookScope } from '../systemd/hook-scope.ts';
import { openSystemd, type Systemd } from '../systemd/systemd.ts';

/** Whose hook it is. `run` is named by what goes on after its run, beside the next one. */
export interface HookOwner {
  systemd: Systemd;
  app: string;
  target: string;
  run?: string | undefined;
}

/** What holds a hook's processes together, those that leave its session too. */
export interface HookGroup {
  /** Takes a process in before it starts anything. Where nobody grants a scope, nothing happens. */
  enter(pid: number): Promise<void>;
  /** Ends what is left. @returns how many processes those were */
  end(): Promise<number>;
}

/** The group of one hook: a scope of the target's manager or, where that refuses, of the user's own. */
export function hookGroup({ systemd, app, target, run }: HookOwner): HookGroup {
  const scope = hookScope(app, target, run);
  let holder: Systemd | null = null;
  return {
    async enter(pid) {
      const what = { scope, pid, app, target };
      if (await isEntered(systemd, what)) holder = systemd;
      else holder = await ownManager(async (own) => isEntered(own, what));
    },
    async end() {
      if (holder === null) return 0;
      const ended = await endHookScope(holder, scope).catch(() => 0);
      if (holder !== systemd) holder.close();
      return ended;
    },
  };
}

/** Ends what the hook of a process that died has left: it must not go on while what it was for is taken back. */
export async function endLeftHook({ systemd, app, target }: HookOwner): Promise<number> {
  const scope = hookScope(app, target);
  let ended = await endHookScope(systemd, scope).catch(() => 0);
  const own = await ownManager(async (manager) => {
    ended += await endHookScope(manager, scope).catch(() => 0);
    return true;
  });
  own?.close();
  return ended;
}

async function isEntered(
  manager: Systemd,
  what: { scope: string; pid: number; app: string; target: string },
): Promise<boolean> {
  const enter = (): Promise<boolean> => enterHookScope(manager, what).then(() => true);
  return enter().catch(async (error: unknown) => {
    if (!isCutoverError(error, 'unit_exists')) return false;
    // With the target held, a scope of this name is one that a dead process has left.
    await endHookScope(manager, what.scope).catch(() => 0);
    return enter().catch(() => false);
  });
}

/** A plain user's own manager, where there is one and it is of use; the system's grants him no scope. */
async function ownManager(isOfUse: (manager: Systemd) => Promise<boolean>): Promise<Systemd | null> {
  if (process.getuid?.() === 0) return null;
  const manager = await openSystemd('user').catch(() => null);
  if (manager === null || (await isOfUse(manager))) return manager;
  manager.close();
  return null;
}
