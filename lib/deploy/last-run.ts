import type { LastRun, LastStop } from '../checks/doctor/patient.ts';
import type { HealthConfig } from '../config/model.ts';
import type { RunDocument } from '../run/document.ts';
import { newestEnds } from '../run/history.ts';
import type { StatePaths } from '../run/state.ts';

type Told = Pick<RunDocument, 'run' | 'steps' | 'downtime_ms' | 'strategy'>;

/** What the newest run tells of the unit's stop and start; null where it was no good deploy: then too much was mixed. */
export async function lastRunOf(paths: StatePaths): Promise<LastRun | null> {
  const record = await newestEnds(paths).catch(() => null);
  if (record?.document?.outcome !== 'deployed') return null;
  return timesOf(record.document, record.inputs.target.health);
}

/** Reads stop and start out of a run's document. @param health the time that its gate watched on is no part of a start */
export function timesOf(document: Told, health: Pick<HealthConfig, 'healthyForMs'>): LastRun {
  return { run: document.run ?? '', stop: stopOf(document), restartMs: waitOf(document, health) };
}

/**
 * How long connections wait for a service behind its socket: it has the socket as soon as it runs, and it is the gate that
 * hears its first answer. A stand-in serves while the main unit drains, so there the drain does not count.
 */
function waitOf(document: Told, { healthyForMs }: Pick<HealthConfig, 'healthyForMs'>): number | null {
  const restart = tookOf(document, 'restart');
  if (document.strategy === 'restart' || restart === undefined) return null;
  const unwatched = (name: string): number => Math.max(0, (tookOf(document, name) ?? 0) - healthyForMs);
  const waits = [restart + unwatched('gate'), ...(document.strategy === 'overlap' ? [unwatched('stand-in')] : [])];
  return Math.min(...waits);
}

function stopOf(document: Pick<RunDocument, 'steps' | 'downtime_ms'>): LastStop | null {
  const retired = tookOf(document, 'retire');
  if (retired !== undefined) return { step: 'retire', tookMs: retired, closedMs: null };
  const tookMs = tookOf(document, 'stop');
  if (tookMs === undefined) return null;
  const { downtime_ms: downtimeMs } = document;
  // The port opens at the end of `start`: what is left of the downtime lies before the stop had ended.
  const later = ['free-port', 'swap', 'start'].map((name) => tookOf(document, name) ?? 0);
  const closedMs = downtimeMs === null ? null : downtimeMs - later.reduce((sum, ms) => sum + ms, 0);
  return { step: 'stop', tookMs, closedMs };
}

function tookOf({ steps }: Pick<RunDocument, 'steps'>, name: string): number | undefined {
  return steps.find((step) => step.name === name && step.status === 'done')?.duration_ms;
}
