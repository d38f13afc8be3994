import { messageOf } from '../base/errors.ts';
import { matchesOf } from '../base/matching.ts';
import type { LimitsConfig, ManagerKind } from '../config/model.ts';
import { formatSize } from '../config/quantities.ts';
import { StepFailure } from '../run/failure.ts';
import type { UnitVitals } from '../systemd/facts.ts';
import { askJournal, type JournalEntry } from '../systemd/journal.ts';

/** Below this a multiple of the previous level says nothing: small programs vary by that much. */
const spikeFloorBytes = 64 * 1024 * 1024;
/** Over less time than this a start-up's burst looks like a steady load. */
export const cpuWindowMs = 1_000;
/** With `memory` unset, this share of the unit's own MemoryMax=. */
const shareOfMemoryMax = 0.9;

/** Finds memory over its limit, or far over what the previous build used. */
export function judgeMemory(vitals: UnitVitals, limits: LimitsConfig, memoryBefore: number | null): StepFailure | null {
  const used = vitals.memoryBytes;
  if (used === null) return null;
  const most = limits.memoryBytes ?? (vitals.memoryMaxBytes === null ? null : vitals.memoryMaxBytes * shareOfMemoryMax);
  const unit = vitals.unit;
  if (most !== null && used > most) {
    return new StepFailure(
      'memory',
      `${unit} uses ${formatSize(used)} of memory, over its limit of ${formatSize(most)}`,
    );
  }
  if (limits.memorySpike <= 0 || memoryBefore === null || used < spikeFloorBytes) return null;
  const spike = Math.max(limits.memorySpike * memoryBefore, spikeFloorBytes);
  if (used <= spike) return null;
  const before = `${limits.memorySpike} times the ${formatSize(memoryBefore)} of the build before`;
  return new StepFailure('memory', `${unit} uses ${formatSize(used)} of memory, over ${before}`);
}

/** Processor time at the start of the gate, to see what was used since. */
export interface CpuMark {
  atMs: number;
  cpuNs: number | null;
}

/** Finds an average load over the limit since the mark. */
export function judgeCpu(vitals: UnitVitals, limits: LimitsConfig, mark: CpuMark, nowMs: number): StepFailure | null {
  const elapsedMs = nowMs - mark.atMs;
  if (limits.cpuPercent === null || vitals.cpuNs === null || mark.cpuNs === null || elapsedMs < cpuWindowMs)
    return null;
  const percent = (vitals.cpuNs - mark.cpuNs) / 1e4 / elapsedMs;
  if (percent <= limits.cpuPercent) return null;
  const since = `${Math.round(percent)} % of a processor over ${(elapsedMs / 1000).toFixed(1)} s`;
  return new StepFailure('cpu', `${vitals.unit} uses ${since}, over its limit of ${limits.cpuPercent} %`);
}

/** What the journal says against a build, and whether it could be read at all. */
export interface JournalVerdict {
  failure: StepFailure | null;
  isUnread: boolean;
}

interface JournalAsked {
  limits: LimitsConfig;
  manager: ManagerKind;
  /** what was written before this moment counts against nobody */
  sinceMs?: number | undefined;
  signal: AbortSignal;
}

/** Finds errors, or a pattern that must not appear, in what this invocation wrote to the journal. */
export async function judgeJournal(
  { unit, invocationId }: Pick<UnitVitals, 'unit' | 'invocationId'>,
  { limits, manager, sinceMs, signal }: JournalAsked,
): Promise<JournalVerdict> {
  const query = { manager, unit, invocationId, signal, ...(sinceMs === undefined ? {} : { sinceMs }) };
  const notAsked = { entries: [], isUnread: false };
  const [errors, all] = await Promise.all([
    limits.journalErrors < 0 ? notAsked : askJournal({ ...query, priority: 3, lines: limits.journalErrors + 20 }),
    limits.journalPattern === null ? notAsked : askJournal({ ...query, lines: 5_000 }),
  ]);
  return {
    failure:
      tooManyErrors(unit, limits, errors.entries) ?? (await forbidden(unit, limits, { entries: all.entries, signal })),
    isUnread: errors.isUnread || all.isUnread,
  };
}

function tooManyErrors(unit: string, { journalErrors }: LimitsConfig, errors: JournalEntry[]): StepFailure | null {
  if (journalErrors < 0 || errors.length <= journalErrors) return null;
  return new StepFailure('journal', `${unit} logged ${errors.length} errors since its start: ${errors[0]?.message}`);
}

/** What a pattern cannot be tried on in time is not proven to be without it. */
async function forbidden(
  unit: string,
  { journalPattern }: LimitsConfig,
  { entries, signal }: { entries: JournalEntry[]; signal: AbortSignal },
): Promise<StepFailure | null> {
  if (journalPattern === null) return null;
  try {
    const texts = entries.map(({ message }) => message);
    const [at] = await matchesOf(journalPattern, texts, { signal });
    return at === undefined ? null : new StepFailure('journal', `${unit} logged what must not appear: ${texts[at]}`);
  } catch (error) {
    signal.throwIfAborted();
    return new StepFailure(
      'journal',
      `limits.journal_pattern cannot be tried on what ${unit} logged: ${messageOf(error)}`,
    );
  }
}
