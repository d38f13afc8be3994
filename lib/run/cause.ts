import type { RunDocument } from './document.ts';
import type { Reason } from './failure.ts';

/** What was wrong with the service, where that and no person had a run begun; as the ledger and the run's document hold it. */
export interface Cause {
  by: 'monitor' | 'recover';
  reason: Reason;
  message: string;
  /** when it was first seen */
  since: string;
  /** the directory with what was found before the run changed it; null: nothing was kept */
  evidence: string | null;
}

/** Why a build was left without a person saying so; null: it was not. Ledgers of earlier versions tell no cause. */
export function leftFor({
  outcome,
  cause,
  from,
  to,
}: Pick<RunDocument, 'outcome' | 'cause' | 'from' | 'to'>): Cause | null {
  return outcome === 'deployed' && from !== null && from !== to ? (cause ?? null) : null;
}
