import { type Command, exec, type ExecResult } from '../base/exec.ts';
import { asShown } from '../base/lines.ts';
import type { ManagerKind } from '../config/model.ts';
import { textOf } from './facts.ts';

/** One line of the journal. `priority` as in syslog(3): 3 is err, lower is worse. */
export interface JournalEntry {
  at: Date;
  priority: number;
  identifier: string;
  message: string;
  /** of the process that wrote it; null where journald read it too late to find that out, and for what the manager wrote */
  invocationId: string | null;
  /** who wrote it; 0: not known */
  pid: number;
  /** the manager wrote it about the unit */
  isManagers: boolean;
}

/** Which entries: of one invocation of a unit, or of a unit since a moment. */
export interface JournalQuery {
  manager: ManagerKind;
  unit: string;
  /** entries that the processes of this invocation wrote */
  invocationId?: string;
  /** with the invocation's entries, those that systemd wrote about it */
  withManager?: boolean;
  sinceMs?: number;
  /** only this priority and worse */
  priority?: number;
  /** at most so many, the newest */
  lines: number;
  signal?: AbortSignal;
}

const timeoutMs = 15_000;
/** How long an answer may take, and how much of it is read. */
export const journalBounds = { timeoutMs, maxBytes: 16 * 1024 * 1024 };

/** A longer line of a message is cut. */
const maxLineLength = 16 * 1024;

/** What of an entry is read, beside its moment. */
const fieldsRead = [
  'MESSAGE',
  'PRIORITY',
  'SYSLOG_IDENTIFIER',
  '_SYSTEMD_INVOCATION_ID',
  '_PID',
  '_COMM',
  'UNIT',
  'USER_UNIT',
];

/** The journalctl(1) command for a query. Without `--all` it gives a message of 4 KiB and more as null. */
export function journalCommand(query: JournalQuery): Command {
  const { manager, unit, invocationId, withManager, sinceMs, priority, lines } = query;
  const shown = ['--output=json', '--all', `--output-fields=${fieldsRead.join(',')}`];
  const options = ['--no-pager', '--quiet', ...shown, `--lines=${lines}`];
  if (priority !== undefined) options.push(`--priority=${priority}`);
  if (sinceMs !== undefined) options.push(`--since=@${(sinceMs / 1000).toFixed(6)}`);
  if (!invocationId) return ['journalctl', ...options, manager === 'user' ? `--user-unit=${unit}` : `--unit=${unit}`];
  const own = `_SYSTEMD_INVOCATION_ID=${invocationId}`;
  const about = manager === 'user' ? `USER_INVOCATION_ID=${invocationId}` : `INVOCATION_ID=${invocationId}`;
  return ['journalctl', ...options, own, ...(withManager ? ['+', about] : [])];
}

/** What a query found. */
export interface JournalAnswer {
  /** oldest first */
  entries: JournalEntry[];
  /** the journal could not be read, or not to its end, so what is not among the entries means nothing */
  isUnread: boolean;
}

/** Asks the journal. */
export async function askJournal(query: JournalQuery): Promise<JournalAnswer> {
  return readAnswer(await exec(journalCommand(query), { ...journalBounds, signal: query.signal }));
}

/** What the command for a query has said. */
export function readAnswer({ code, stdout }: Pick<ExecResult, 'code' | 'stdout'>): JournalAnswer {
  // The end of the last line is left out of what is kept.
  const isCut = Buffer.byteLength(stdout) >= journalBounds.maxBytes - 1;
  return { entries: stdout.split('\n').flatMap((line) => parseEntry(line) ?? []), isUnread: code !== 0 || isCut };
}

/**
 * Has the journal take in all that was written to it so far (journalctl(1), `--sync`): while it lags behind, the last words of a
 * service that has just died are missing. Root alone may ask for it; for others the journal is as it is.
 */
export async function syncJournal(signal?: AbortSignal): Promise<void> {
  await exec(['journalctl', '--sync'], { timeoutMs, signal }).catch(() => {});
}

/** The entries of a query, oldest first. A journal that cannot be read gives none. */
export async function readJournal(query: JournalQuery): Promise<JournalEntry[]> {
  return (await askJournal(query)).entries;
}

/**
 * Whether this user sees nothing at all of a unit that was started: systemd itself tells of each start, so it is not
 * the unit that is silent. Asked for as text: journalctl(1) gives its hint that there is more neither with
 * `--output=json` nor under a strict log level.
 */
export async function isJournalHidden({
  manager,
  unit,
  signal,
}: Pick<JournalQuery, 'manager' | 'unit' | 'signal'>): Promise<boolean> {
  const which = manager === 'user' ? `--user-unit=${unit}` : `--unit=${unit}`;
  const command = ['journalctl', '--no-pager', '--lines=1', which] as const;
  const env = { SYSTEMD_LOG_LEVEL: 'info' };
  const { code, stdout, stderr } = await exec(command, { timeoutMs, env, signal });
  const isEmpty = stdout.split('\n').every((line) => line === '' || line.startsWith('-- '));
  return isEmpty && (code !== 0 || saysPartial(stderr));
}

/** What journalctl(1) says on stderr to a user who is in none of the journal's groups, or when there are no files. */
export function saysPartial(stderr: string): boolean {
  return /not seeing messages from|No journal files were/.test(stderr);
}

/** systemd.journal-fields(7): `UNIT` and `USER_UNIT` say what a line is about, and anybody may write them. */
function isManagers({ UNIT, USER_UNIT, _PID, _COMM }: Record<string, unknown>): boolean {
  return (UNIT !== undefined && _PID === '1') || (USER_UNIT !== undefined && _COMM === 'systemd');
}

/** Reads one line of `journalctl --output=json`; a message that is not UTF-8 comes as an array of bytes. */
export function parseEntry(line: string): JournalEntry | null {
  if (!line.startsWith('{')) return null;
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null;
  }
  const { MESSAGE: message, PRIORITY: priority = '6', SYSLOG_IDENTIFIER: identifier } = fields;
  return {
    at: new Date(Number(fields.__REALTIME_TIMESTAMP) / 1000),
    priority: Number(priority),
    invocationId: textOf(fields._SYSTEMD_INVOCATION_ID) || null,
    pid: Number(fields._PID ?? 0),
    isManagers: isManagers(fields),
    identifier: textOf(identifier ?? fields._COMM),
    // Whatever a service writes moves no cursor, and paints over nothing.
    message: textOfMessage(message)
      .split('\n')
      .map((text) => asShown(text, maxLineLength))
      .join('\n'),
  };
}

/** journalctl(1) gives what is no plain text as a list of bytes. */
function textOfMessage(message: unknown): string {
  return Array.isArray(message) ? Buffer.from(message as number[]).toString('utf8') : textOf(message);
}
