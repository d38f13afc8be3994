import { messageOf } from '../base/errors.ts';
import { asShown } from '../base/lines.ts';
import { matchesOf } from '../base/matching.ts';
import type { LimitsConfig, ManagerKind } from '../config/model.ts';
import { formatSize } from '../config/quantities.ts';
import { StepFailure } from '../run/failure.ts';
import { textOf, type UnitVitals } from '../systemd/facts.ts';
import { memoryInUse } from '../systemd/file-cache.ts';
import { askJournal, type JournalAnswer, type JournalEntry, type JournalQuery } from '../systemd/journal.ts';
import { prepareQuestion, type ReadyQuestion } from '../systemd/ready-question.ts';
import type { Systemd } from '../systemd/systemd.ts';

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

/**
 * Finds memory over its limit as `judgeMemory` does, the files left aside that the kernel keeps at hand: a service that reads many is not
 * one that leaks. What they are is asked only where a limit would be broken.
 */
export async function judgeMemoryInUse(
  systemd: Pick<Systemd, 'property'>,
  vitals: UnitVitals,
  { limits, memoryBefore }: { limits: LimitsConfig; memoryBefore: number | null },
): Promise<StepFailure | null> {
  const found = judgeMemory(vitals, limits, memoryBefore);
  if (!found || vitals.memoryBytes === null) return found;
  const controlGroup = textOf(await systemd.property(vitals.unit, 'Service', 'ControlGroup'));
  const memoryBytes = await memoryInUse({ controlGroup, memoryBytes: vitals.memoryBytes });
  return judgeMemory({ ...vitals, memoryBytes }, limits, memoryBefore);
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

const notAsked: JournalAnswer = { entries: [], isUnread: false };

interface JournalAsked {
  limits: LimitsConfig;
  manager: ManagerKind;
  /** what was written before this moment counts against nobody */
  sinceMs?: number | undefined;
  signal: AbortSignal;
}

type Invocation = Pick<UnitVitals, 'unit' | 'invocationId'>;

/** Begins what will look for errors; null: nobody will. */
export function prepareJournal(invocation: Invocation, asked: JournalAsked): ReadyQuestion | null {
  return asked.limits.journalErrors < 0 ? null : prepareQuestion(queryForErrors(invocation, asked));
}

function queryForErrors(invocation: Invocation, asked: JournalAsked): JournalQuery {
  return { ...queryFor(invocation, asked, asked.limits.journalErrors + 20), priority: 3 };
}

function queryFor(
  { unit, invocationId }: Invocation,
  { manager, sinceMs, signal }: JournalAsked,
  lines: number,
): JournalQuery {
  return { manager, unit, invocationId, lines, signal, ...(sinceMs === undefined ? {} : { sinceMs }) };
}

/**
 * Finds errors, or a pattern that must not appear, in what this invocation wrote to the journal.
 * @param ready what was begun to look for errors
 */
export async function judgeJournal(
  invocation: Invocation,
  asked: JournalAsked,
  ready?: ReadyQuestion | null,
): Promise<JournalVerdict> {
  const { limits, signal } = asked;
  const { unit } = invocation;
  const ask = async (query: JournalQuery): Promise<JournalAnswer> => (await ready?.ask(query)) ?? askJournal(query);
  const [errors, all] = await Promise.all([
    limits.journalErrors < 0 ? notAsked : ask(queryForErrors(invocation, asked)),
    limits.journalPattern === null ? notAsked : askJournal(queryFor(invocation, asked, 5_000)),
  ]);
  return {
    failure:
      tooManyErrors(unit, limits, errors.entries) ?? (await forbidden(unit, limits, { entries: all.entries, signal })),
    isUnread: errors.isUnread || all.isUnread,
  };
}

function tooManyErrors(unit: string, { journalErrors }: LimitsConfig, errors: JournalEntry[]): StepFailure | null {
  if (journalErrors < 0 || errors.length <= journalErrors) return null;
  return new StepFailure(
    'journal',
    `${unit} logged ${errors.length} errors since its start: ${asShown(errors[0]?.message.split('\n', 1)[0] ?? '')}`,
  );
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
    return at === undefined
      ? null
      : new StepFailure(
          'journal',
          `${unit} logged what must not appear: ${asShown(texts[at]?.replaceAll('\n', ' ') ?? '')}`,
        );
  } catch (error) {
    signal.throwIfAborted();
    return new StepFailure(
      'journal',
      `limits.journal_pattern cannot be tried on what ${unit} logged: ${messageOf(error)}`,
    );
  }
}
