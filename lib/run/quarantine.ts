import { readIfThere, writeDurably } from '../base/files.ts';
import type { Reason } from './failure.ts';
import type { StatePaths } from './state.ts';

/** Why a build is never picked by itself again. */
export interface QuarantineEntry {
  run: string;
  reason: Reason;
  since: string;
}

/** A build with why it is never picked by itself. */
export type Refused = QuarantineEntry & { build: string };

export type Quarantine = Record<string, QuarantineEntry>;

/** The builds that failed their gate. A file that cannot be understood is none: state may be lost. */
export async function readQuarantine(paths: StatePaths): Promise<Quarantine> {
  const text = await readIfThere(paths.quarantine);
  try {
    const value = JSON.parse(text ?? '{}') as Quarantine;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
  } catch {
    return {};
  }
}

/** Adds a build. @throws `disk`, `permission` */
export async function quarantine(paths: StatePaths, build: string, entry: QuarantineEntry): Promise<void> {
  const known = await readQuarantine(paths);
  await writeDurably(paths.quarantine, `${JSON.stringify({ ...known, [build]: entry }, null, 2)}\n`);
}

/** Lets a build out: it passed its gate after all. */
export async function release(paths: StatePaths, build: string): Promise<void> {
  const { [build]: entry, ...others } = await readQuarantine(paths);
  if (entry) await writeDurably(paths.quarantine, `${JSON.stringify(others, null, 2)}\n`);
}
