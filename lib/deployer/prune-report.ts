import type { GoReason, KeepReason } from '../builds/retention.ts';
import { CutoverError, ExitCode, messageOf } from '../base/errors.ts';

/** `rest`: what an earlier prune left of a build when it was cut off. */
export type PrunedKind = 'build' | 'rest' | 'evidence' | 'ledger' | 'log' | 'backup';

/** Something that was removed, or would be. */
export interface PrunedItem {
  kind: PrunedKind;
  /** a build's id, a run's, or the name of a log */
  name: string;
  path: string;
  /** what a build had been; null for the others */
  reason: GoReason | null;
  /** null: not measured */
  size_bytes: number | null;
}

/** Who uses a build that stays. */
export interface PruneUser {
  /** null: no process, but a mount */
  pid: number | null;
  command: string | null;
  unit: string | null;
  how: 'cwd' | 'root' | 'executable' | 'open' | 'mapped' | 'argument' | 'mount';
  path: string;
}

/** A build that stays. */
export interface KeptBuild {
  id: string;
  reason: KeepReason;
  by: PruneUser[];
}

/** Something that was to be removed and is still there. */
export interface PruneFailure {
  kind: PrunedKind;
  name: string;
  message: string;
  mend: string | null;
}

/** What a prune did, or with `dry_run` would do, as `--json` prints it. */
export interface PruneReport {
  target: string;
  dry_run: boolean;
  keep: number;
  removed: PrunedItem[];
  removed_bytes: number | null;
  kept: KeptBuild[];
  failed: PruneFailure[];
  notes: { message: string; mend: string | null }[];
  /** processes that could not be looked at; none of them is the unit's, or no build was removed */
  unseen_processes: number;
  exit_code: number;
}

/** The report of a target, with nothing in it yet. */
export function emptyReport({ name, keep }: { name: string; keep: number }, isDryRun: boolean): PruneReport {
  const nothing = { removed: [], removed_bytes: null, kept: [], failed: [], notes: [], unseen_processes: 0 };
  return { target: name, dry_run: isDryRun, keep, ...nothing, exit_code: ExitCode.done };
}

/** Writes down that something could not be removed. The exit code of the worst stays. */
export function addFailure(
  report: PruneReport,
  what: Pick<PruneFailure, 'kind' | 'name'> & { path: string },
  error: unknown,
): void {
  const { kind, name, path } = what;
  const isRefused = error instanceof CutoverError && error.code === 'permission';
  const mend = error instanceof CutoverError ? error.mend : undefined;
  const message = messageOf(error);
  report.failed.push({ kind, name, message, mend: mend ?? mendFor(report, { path, message, isRefused }) });
  if (report.exit_code !== ExitCode.permission) {
    report.exit_code = isRefused ? ExitCode.permission : ExitCode.refused;
  }
}

/** Root may do all but what an attribute, or the file system itself, forbids. */
function mendFor(
  { target }: PruneReport,
  { path, message, isRefused }: { path: string; message: string; isRefused: boolean },
): string {
  if (message.includes('Read-only file system')) return `mount -o remount,rw the file system of ${path}`;
  if (!isRefused) return `findmnt -R -T ${path}; ls -la ${path}`;
  return process.getuid?.() === 0 ? `chattr -R -i -a ${path}; cutover prune ${target}` : `sudo cutover prune ${target}`;
}
