import { CutoverError, ExitCode } from '../base/errors.ts';
import type { Command } from '../base/exec.ts';
import { type VariantMaker, variantMaker } from './bus.ts';
import { promptJobMs } from './jobs.ts';
import { escapeUnitName } from './names.ts';
import type { Systemd } from './systemd.ts';
import { transientArgument } from './unit-text.ts';

/** What the scope is called and what systemd does when the process in it ends, however it ends. */
export interface ScopeRequest {
  app: string;
  target: string;
  /** the process that enters the scope */
  pid: number;
  /** run after the scope's end, if `condition` exists then */
  afterwards: Command;
  condition: string;
  environment: Record<string, string>;
  /** the usual name of the service is taken: one that ended a run for a dead process still tells others of it */
  isSettleTaken?: boolean;
}

/** A reverted run may stop and start services; systemd's own 90 s would cut it short. */
const scopeStopUsec = 10n * 60n * 1_000_000n;
const settleRestartUsec = 100_000n;
/** What a command of ours exits with when it cannot reach systemd. */
const unavailableStatus: number = ExitCode.unavailable;
/** To put a large database back takes hours, and every wait inside has a deadline of its own. */
const settleTimeoutUsec = 12n * 60n * 60n * 1_000_000n;

/**
 * The names of the two units of a target; unit names share one space, so the app is part of them.
 * @param beside the process of a scope whose service needs a name of its own
 */
export function scopeNames(app: string, target: string, beside?: number): { scope: string; settle: string } {
  const name = `${escapeUnitName(app)}-${escapeUnitName(target)}`;
  const own = beside === undefined ? '' : `-beside-${beside}`;
  return { scope: `cutover-${name}.scope`, settle: `cutover-settle-${name}${own}.service` };
}

/**
 * Puts a process into a scope of its own and arms a service that runs when the scope ends
 * (`StartTransientUnit`, org.freedesktop.systemd1(5); `OnSuccess=`/`OnFailure=`, systemd.unit(5)).
 * One call does both, so there is no moment in which the scope exists without its guard.
 * @throws `unit_exists` when another process holds the target; `permission`; `no_such_unit` when nothing would run at the end;
 * `failed` when the process is not in its scope
 */
export async function takeScope(systemd: Systemd, request: ScopeRequest): Promise<void> {
  const variant = await variantMaker();
  const { scope, settle } = scopeNames(request.app, request.target, request.isSettleTaken ? request.pid : undefined);
  const scopeProperties = [
    ['Description', variant('s', `cutover at work on ${request.target} of ${request.app}`)],
    ['PIDs', variant('au', [request.pid])],
    ['CollectMode', variant('s', 'inactive-or-failed')],
    ['TimeoutStopUSec', variant('t', scopeStopUsec)],
    ['OnSuccess', variant('as', [settle])],
    ['OnFailure', variant('as', [settle])],
  ];
  const beside = [[settle, settleProperties(request, variant)]];
  // The call says nothing of a unit beside it that systemd would not run.
  let loading: Promise<unknown> | undefined;
  const onQueued = (): void => {
    loading = systemd.property(settle, 'Unit', 'LoadState');
    loading.catch(() => {});
  };
  // Only when the job is done is the process in the scope; one that ends before leaves an empty scope behind.
  const ended = await systemd.startTransient(scope, scopeProperties, beside, { timeoutMs: promptJobMs, onQueued });
  const state = await loading;
  if (ended !== 'done') throw new CutoverError('failed', `the start job of ${scope} ended as ${ended}`);
  if (state !== 'loaded') throw new CutoverError('no_such_unit', `systemd does not accept ${settle}: ${String(state)}`);
}

/** Of the service that runs when the scope ends. */
function settleProperties(request: ScopeRequest, variant: VariantMaker): unknown[] {
  const [file, ...args] = request.afterwards;
  const environment = Object.entries(request.environment).map(([name, value]) => `${name}=${value}`);
  return [
    ['Description', variant('s', `cutover ends an interrupted run on ${request.target} of ${request.app}`)],
    // Not oneshot: that type may not be started again for an exit status.
    ['Type', variant('s', 'exec')],
    // Killed itself, it begins again; a service that could not be made healthy is for a person.
    ['Restart', variant('s', 'on-abnormal')],
    // Nor does it give up while the bus is away.
    ['RestartForceExitStatus', variant('(aiai)', [[unavailableStatus], []])],
    ['RestartUSec', variant('t', settleRestartUsec)],
    // However often it is killed: the default limit of five starts in ten seconds would leave the run unfinished.
    ['StartLimitIntervalUSec', variant('t', 0n)],
    ['CollectMode', variant('s', 'inactive-or-failed')],
    ['RuntimeMaxUSec', variant('t', settleTimeoutUsec)],
    ['Environment', variant('as', environment)],
    ['Conditions', variant('a(sbbs)', [['ConditionPathExists', false, false, request.condition]])],
    ['ExecStart', variant('a(sasb)', [[file, [file, ...args.map(transientArgument)], false]])],
  ];
}

/**
 * Moves a process out of its scope into one that nobody waits for: the scope's name is free then, and its guard has nothing to do.
 * @throws `permission`
 */
export async function leaveScope(
  systemd: Systemd,
  { app, target, pid }: Pick<ScopeRequest, 'app' | 'target' | 'pid'>,
): Promise<void> {
  const variant = await variantMaker();
  const name = `cutover-after-${escapeUnitName(app)}-${escapeUnitName(target)}-${pid}.scope`;
  const properties = [
    ['Description', variant('s', `cutover tells others of ${target} of ${app}`)],
    ['PIDs', variant('au', [pid])],
    ['CollectMode', variant('s', 'inactive-or-failed')],
  ];
  await systemd.startTransient(name, properties, [], { timeoutMs: promptJobMs });
}
