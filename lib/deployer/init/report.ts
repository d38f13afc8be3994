import type { UnitResult } from './enable.ts';
import type { FileResult } from './files.ts';

/** What `cutover init` prints. */
export interface InitReport {
  target: string | null;
  files: FileResult[];
  units: UnitResult[];
  notes: string[];
  /** the commands to type next */
  next: string[];
}

/** A key that was found out, and how. */
export interface Found {
  key: string;
  value: unknown;
  note: string;
}
