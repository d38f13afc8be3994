import { join } from 'node:path';
import { messageOf } from '../base/errors.ts';
import { asShown } from '../base/lines.ts';
import type { Redact } from '../base/redactor.ts';
import { makePrivateDirectory, writeDurably } from '../base/files.ts';
import type { ManagerKind, TargetConfig } from '../config/model.ts';
import type { Cause } from '../run/cause.ts';
import type { Failure } from '../run/failure.ts';
import type { UnitFacts } from '../systemd/facts.ts';
import { type JournalEntry, readJournal, syncJournal } from '../systemd/journal.ts';
import { listListeners, ownersOf } from '../systemd/sockets.ts';
import { describeProcess } from '../systemd/processes.ts';
import type { Systemd } from '../systemd/systemd.ts';
import type { GateLook } from './gate.ts';
import type { RunTools } from './run-tools.ts';

export interface EvidenceRequest {
  unit: string;
  manager: ManagerKind;
  sinceMs: number;
  /** what this invocation wrote is not about the build that failed */
  invocationBefore: string;
  failure: Failure;
  transcript: readonly GateLook[];
  /** takes the secrets that are known out of a text: what is kept is shown to others */
  redact: Redact;
  /** the processes of the unit now; absent: nobody has started others meanwhile */
  pidsNow?: () => Promise<readonly number[]>;
}

/** What is gone as soon as the way back begins. */
export interface Snapshot {
  facts: UnitFacts;
  sockets: unknown[];
  /** the processes of the unit */
  pids: readonly number[];
}

/** So many lines tell why a start failed; a crash loop repeats itself. */
const journalLines = 400;
const shownLines = 12;
/** A service that is well at first tells seldom when it went wrong: so far before it was seen to be its journal is kept. */
const beforeMs = 15 * 60_000;

/** Looks at the unit and its ports before going back changes both. */
export async function takeSnapshot(
  systemd: Systemd,
  { unit, ports }: { unit: string; ports: readonly number[] },
): Promise<Snapshot> {
  const [facts, sockets, pids] = await Promise.all([
    systemd.facts(unit),
    describeSockets(ports),
    systemd.processes(unit).catch(() => []),
  ]);
  return { facts, sockets, pids };
}

/**
 * Keeps what explains a failure: the unit's journal, its properties, the answers to our requests, who listened.
 * The way back need not wait for it: the journal keeps what it has.
 * @returns the last lines that the failed build wrote, for the person at the terminal
 */
async function saveEvidence(directory: string, snapshot: Snapshot, request: EvidenceRequest): Promise<string[]> {
  const { unit, manager, sinceMs, failure, transcript, redact } = request;
  const entries = await readJournal({ manager, unit, sinceMs, lines: journalLines });
  const lines = entries.map(({ at, identifier, message }) => `${at.toISOString()} ${identifier}: ${message}`);
  await makePrivateDirectory(directory);
  const write = (name: string, value: unknown): Promise<void> =>
    writeDurably(
      join(directory, name),
      redact(`${typeof value === 'string' ? value : JSON.stringify(value, null, 2)}\n`),
    );
  await Promise.all([
    write('failure.json', failure),
    write('unit.json', snapshot.facts),
    write('journal.txt', lines.join('\n')),
    write('attempts.json', transcript),
    write('sockets.json', snapshot.sockets),
  ]);
  const pids = (await request.pidsNow?.().catch(() => [])) ?? [];
  return lastWords(entries, { ...request, others: pids.filter((pid) => !snapshot.pids.includes(pid)) });
}

/** The same for a build that has just died: its last words may be on their way to the journal. */
export async function saveFreshEvidence(...about: Parameters<typeof saveEvidence>): Promise<string[]> {
  await syncJournal();
  return saveEvidence(...about);
}

/**
 * What the failed build wrote last. Which invocation a line is of, journald does not know, or takes for a later one, where it was too
 * late for a process that died; the process itself it knows.
 * @param others processes of the unit that are none of the failed build's
 */
export function lastWords(
  entries: readonly JournalEntry[],
  { invocationBefore, others }: { invocationBefore: string; others: readonly number[] },
): string[] {
  const own = entries.filter(
    ({ isManagers, invocationId, pid }) => !isManagers && invocationId !== invocationBefore && !others.includes(pid),
  );
  return own
    .flatMap(({ message }) => message.split('\n'))
    .slice(-shownLines)
    .map((line) => asShown(line));
}

/**
 * Keeps how a service that is not well looks before a run changes it, beside what the run itself may leave. Without evidence the run
 * goes on too.
 * @returns the cause as the ledger is to have it
 */
export async function keepCause(
  cause: Cause,
  { run, target, manager }: { run: string; target: TargetConfig; manager: ManagerKind },
  { paths, systemd, redact, emit }: Pick<RunTools, 'paths' | 'systemd' | 'redact' | 'emit'>,
): Promise<Cause> {
  const { by, reason, since } = cause;
  const message = redact(cause.message);
  const evidence = join(paths.evidence, run, 'before');
  const failure = { step: by, reason, message, evidence };
  const sinceMs = Date.parse(since) - beforeMs;
  const { unit } = target;
  try {
    const snapshot = await takeSnapshot(systemd, target);
    const about = { unit, manager, sinceMs, invocationBefore: '', failure, transcript: [], redact };
    await saveEvidence(evidence, snapshot, about);
    return { ...cause, message, evidence };
  } catch (error) {
    emit({ type: 'note', message: `the evidence could not be saved: ${messageOf(error)}` });
    return { ...cause, message, evidence: null };
  }
}

async function describeSockets(ports: readonly number[]): Promise<unknown[]> {
  const listeners = await listListeners([...ports]);
  const owners = await ownersOf(new Set(listeners.map(({ inode }) => inode)));
  return Promise.all(
    listeners.map(async (listener) => ({
      ...listener,
      processes: await Promise.all((owners.get(listener.inode) ?? []).map((pid) => describeProcess(pid))),
    })),
  );
}
