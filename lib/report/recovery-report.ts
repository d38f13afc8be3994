import type { Redact } from '../base/redactor.ts';

/** How a service stands at one moment. */
export interface Glance {
  healthy: boolean;
  /** as systemd tells it: `active`, `failed`, `inactive` …; `not-found` for a unit that is not there */
  state: string;
  sub_state: string;
}

/** What a recovery found and did at one target, as `--json` prints it. */
export interface TargetRecovery {
  target: string;
  unit: string;
  before: Glance;
  after: Glance;
  /** what was wrong, a sentence each */
  findings: string[];
  actions: string[];
  /** the command to type; null: nothing is left to do */
  next: string | null;
  /** the last run at it; null: there was none */
  run: string | null;
  duration_ms: number;
}

/** A whole recovery, as `--json` prints it. */
export interface RecoveryReport {
  recovered: boolean;
  healthy: number;
  total: number;
  /** the share of the targets that has to be healthy */
  quorum: number;
  /** how often it was tried; 0: it was only looked */
  attempts: number;
  targets: TargetRecovery[];
  started_at: string;
  duration_ms: number;
  exit_code: number;
}

/** Puts what became of the targets together. @param exitCodes of a quorum that is reached, and of one that is not */
export function recoveryReport(
  targets: TargetRecovery[],
  { quorum, attempts, startedMs }: { quorum: number; attempts: number; startedMs: number },
  exitCodes: { reached: number; missed: number },
): RecoveryReport {
  const healthy = targets.filter(({ after }) => after.healthy).length;
  const recovered = healthy / targets.length >= quorum;
  return {
    recovered,
    healthy,
    total: targets.length,
    quorum,
    attempts,
    targets,
    started_at: new Date(startedMs).toISOString(),
    duration_ms: Date.now() - startedMs,
    exit_code: recovered ? exitCodes.reached : exitCodes.missed,
  };
}

/** The same with the secrets taken out of its sentences. */
export function withoutSecrets<T extends Pick<TargetRecovery, 'findings' | 'actions'>>(told: T, redact: Redact): T {
  return { ...told, findings: told.findings.map(redact), actions: told.actions.map(redact) };
}
