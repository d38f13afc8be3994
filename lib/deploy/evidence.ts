import { join } from 'node:path';
import { makePrivateDirectory, writeDurably } from '../base/files.ts';
import type { ManagerKind } from '../config/model.ts';
import type { Failure } from '../run/failure.ts';
import type { StatePaths } from '../run/state.ts';
import { readJournal } from '../systemd/journal.ts';
import { listListeners, ownersOf } from '../systemd/sockets.ts';
import { describeProcess } from '../systemd/processes.ts';
import type { Systemd } from '../systemd/systemd.ts';
import type { GateLook } from './gate.ts';

export interface EvidenceRequest {
  paths: StatePaths;
  run: string;
  unit: string;
  manager: ManagerKind;
  ports: readonly number[];
  sinceMs: number;
  failure: Failure;
  transcript: readonly GateLook[];
}

/** So many lines tell why a start failed; a crash loop repeats itself. */
const journalLines = 400;
const shownLines = 12;

/**
 * Keeps what explains a failure, before going back destroys it: the journal of the invocation, the unit's
 * properties, the answers to our requests, who listens.
 * @returns the directory, and the last lines that the unit wrote, for the person at the terminal
 */
export async function saveEvidence(
  systemd: Systemd,
  request: EvidenceRequest,
): Promise<{ directory: string; lines: string[] }> {
  const { paths, run, unit, manager, sinceMs, ports, failure, transcript } = request;
  const directory = join(paths.evidence, run);
  const facts = await systemd.facts(unit);
  const query = { manager, unit, sinceMs, lines: journalLines };
  const [entries, sockets] = await Promise.all([readJournal(query), describeSockets(ports)]);
  const lines = entries.map(({ at, identifier, message }) => `${at.toISOString()} ${identifier}: ${message}`);
  await makePrivateDirectory(directory);
  const write = (name: string, value: unknown): Promise<void> =>
    writeDurably(join(directory, name), `${typeof value === 'string' ? value : JSON.stringify(value, null, 2)}\n`);
  await Promise.all([
    write('failure.json', failure),
    write('unit.json', facts),
    write('journal.txt', lines.join('\n')),
    write('attempts.json', transcript),
    write('sockets.json', sockets),
  ]);
  const own = entries.filter(({ identifier }) => identifier !== 'systemd');
  return { directory, lines: (own.length > 0 ? own : entries).slice(-shownLines).map(({ message }) => message) };
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
