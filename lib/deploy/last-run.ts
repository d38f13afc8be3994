import type { LastRun, LastStop } from '../checks/doctor/patient.ts';
import type { RunDocument } from '../run/document.ts';
import { newestRun } from '../run/history.ts';
import type { StatePaths } from '../run/state.ts';

/** What the newest run tells of the unit's stop and start; null where it was no good deploy: then too much was mixed. */
export async function lastRunOf(paths: StatePaths): Promise<LastRun | null> {
  const record = await newestRun(paths).catch(() => null);
  const document = record?.document;
  return document?.outcome === 'deployed' ? timesOf(document) : null;
}

/** Reads stop and start out of a run's document. */
export function timesOf(document: Pick<RunDocument, 'run' | 'steps' | 'downtime_ms' | 'strategy'>): LastRun {
  const restart = document.strategy === 'restart' ? undefined : tookOf(document, 'restart');
  return { run: document.run ?? '', stop: stopOf(document), restartMs: restart ?? null };
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
