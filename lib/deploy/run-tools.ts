import type { Redact } from '../base/redactor.ts';
import type { OpenedBackup } from '../database/restore.ts';
import type { Emit } from '../run/events.ts';
import type { StatePaths } from '../run/state.ts';
import type { Systemd } from '../systemd/systemd.ts';

/** What a run works with; all of it is handed in. */
export interface RunTools {
  systemd: Systemd;
  /** what systemd told of the unit just before the run; absent: it is asked */
  properties?: ReadonlyMap<string, unknown>;
  paths: StatePaths;
  emit: Emit;
  /** takes the secrets that are known out of a text */
  redact: Redact;
  /** what a restore puts in place */
  opened?: OpenedBackup;
  /** aborted when the person interrupts */
  signal: AbortSignal;
}
