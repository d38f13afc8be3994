import { join } from 'node:path';
import { isCutoverError } from '../base/errors.ts';
import { openController } from '../base/wait.ts';
import { isBuildId } from '../builds/layout.ts';
import type { TargetConfig } from '../config/model.ts';
import type { RunInputs } from '../run/inputs.ts';
import type { Systemd } from '../systemd/systemd.ts';
import { passGate } from './gate.ts';
import { endProcesses } from './leftovers.ts';
import type { UnitLife } from './life.ts';
import { stopUnit, watchStarted } from './start.ts';
import type { StartFacts } from './started.ts';
import type { StrategyTools } from './strategy.ts';
import { untilTakenOver } from './takeover.ts';

/** A start that systemd calls done says little: without an address to ask, the stand-in is watched for this long. */
const watchMs = 500;

/** The template's instance in which a build runs beside the main unit: `shop.service` → `shop-next@dist.….service`. */
export function standInOf(unit: string, build: string): string {
  return `${unit.replace(/\.service$/, '')}-next@${build}.service`;
}

/** Starts the stand-in of the candidate on the shared socket. @throws `StepFailure` when it fails or exits */
export async function startStandIn(
  { target, to }: RunInputs,
  systemd: Systemd,
  signal: AbortSignal,
): Promise<{ began: StartFacts; life: UnitLife }> {
  const unit = standInOf(target.unit, to);
  await systemd.resetFailed(unit);
  const result = await systemd.start(unit, { timeoutMs: target.startTimeoutMs, signal });
  return watchStarted(systemd, unit, result);
}

/**
 * Proves the stand-in good while the old build serves: by its private address where there is one, otherwise by its
 * readiness and by watching on. What the shared port answers would be no proof: either build may answer there.
 * @throws `StepFailure` with the reason
 */
export async function proveStandIn(
  inputs: RunInputs,
  tools: StrategyTools & { life: UnitLife; signal: AbortSignal },
): Promise<void> {
  const { target, manager, to, memoryBefore } = inputs;
  const { health } = target;
  const { standinUrl } = health;
  const unit = standInOf(target.unit, to);
  const signal = AbortSignal.any([tools.signal, tools.life.ended]);
  await untilTakenOver({ ...target, unit }, tools.systemd, { witness: target.unit, signal });
  const watched = standinUrl
    ? { ...health, urls: [standinUrl] }
    : { ...health, urls: [], healthyForMs: Math.max(health.healthyForMs, watchMs), intervalMs: 50 };
  const subject = { manager, buildPath: join(target.builds, to), invocationBefore: null, memoryBefore };
  await passGate({ ...subject, target: { ...target, unit, health: watched } }, tools);
}

/** The stand-ins of a unit that systemd has loaded, of whichever run. What has such a name without a build in it is another's. */
export async function standInsOf(systemd: Systemd, unit: string): Promise<string[]> {
  const [before = '', after = ''] = standInOf(unit, '\0').split('\0');
  const names = await systemd.loadedUnits(standInOf(unit, '*'));
  return names.filter((name) => isBuildId(name.slice(before.length, -after.length)));
}

/**
 * Stops every stand-in of a unit: the ones of earlier runs too. A stand-in drains at its SIGTERM; one that takes longer
 * than a stop may take is killed, as the main unit would be, and so is what it leaves: that shares the socket.
 */
export async function stopStandIns(
  systemd: Systemd,
  { unit, stopTimeoutMs }: Pick<TargetConfig, 'unit' | 'stopTimeoutMs'>,
): Promise<void> {
  for (const name of await standInsOf(systemd, unit)) {
    await stopUnit(systemd, { unit: name, stopTimeoutMs });
    await endProcesses(systemd, name, openController().signal);
    // It is stopped: a failed state that may not be cleared keeps nobody from going on.
    await systemd.resetFailed(name).catch((error: unknown) => {
      if (!isCutoverError(error, 'permission')) throw error;
    });
  }
}
