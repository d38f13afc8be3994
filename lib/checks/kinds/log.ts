import { errnoOf, messageOf } from '../../base/errors.ts';
import { matchesOf } from '../../base/matching.ts';
import { shellLine, shellWord } from '../../base/shell-words.ts';
import type { LogOptions } from '../../config/check-options.ts';
import {
  askJournal,
  isJournalHidden,
  type JournalAnswer,
  type JournalQuery,
  syncJournal,
} from '../../systemd/journal.ts';
import { journalctl, systemctl } from '../../systemd/typed.ts';
import { type Answer, fail, pass, warn } from '../check.ts';
import { shortened } from './excerpt.ts';
import type { Kind, KindSubject } from './kind.ts';
import { lastLinesOf } from './tail.ts';

/** A longer line is looked at no further. */
const maxLineLength = 16 * 1024;

/** B4: a pattern does not stand in a log file, or in what a unit wrote to the journal since its start. */
export const logKind: Kind<LogOptions> = {
  ask: (options, subject) =>
    options.path === null ? askUnit(options, subject) : askFile(options.path, options, subject),
};

async function askFile(path: string, options: LogOptions, { signal }: KindSubject): Promise<Answer> {
  const lines = await lastLinesOf(path, options.lines, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    return whyUnread(path, error);
  });
  if (typeof lines === 'string') return fail(lines, expectedOf(options), `ls -ld ${shellWord(path)}`);
  return judge(lines, options, { signal, see: `${shellLine(['grep', '-nE', options.pattern, path])} | tail` });
}

function whyUnread(path: string, error: unknown): string {
  const errno = errnoOf(error);
  if (errno === undefined) return messageOf(error);
  return errno === 'ENOENT' ? `there is no ${path}` : `${path} cannot be read: ${errno}`;
}

async function askUnit(
  options: LogOptions,
  { context: { target }, manager, systemd, signal }: KindSubject,
): Promise<Answer> {
  const unit = options.unit ?? target.unit;
  const { invocationId, loadState } = await systemd.facts(unit);
  if (loadState === 'not-found') {
    return fail(`there is no unit ${unit}`, expectedOf(options), systemctl(manager, `list-unit-files '${unit}'`));
  }
  const sinceMs = options.sinceMs === null ? null : Date.now() - options.sinceMs;
  if (sinceMs === null && invocationId === '') return pass(`${unit} did not run yet`, expectedOf(options));
  const which = sinceMs === null ? { invocationId } : { sinceMs };
  const { entries, isUnread } = await askUpToNow({ manager, unit, ...which, lines: options.lines, signal });
  const see = journalctl(manager, unit);
  if (isUnread || (entries.length === 0 && (await isJournalHidden({ manager, unit, signal })))) {
    const mend = `${see}; usermod -aG systemd-journal USER, or run cutover as root`;
    return warn(`the journal of ${unit} cannot be read`, expectedOf(options), mend);
  }
  return judge(
    entries.map(({ message }) => message),
    options,
    { signal, see: `${see.replace(/ -n \d+$/, '')} -g ${shellWord(options.pattern)}` },
  );
}

/** What a service has just written may be on its way to the journal: it is not to pass because of that. */
async function askUpToNow(query: JournalQuery): Promise<JournalAnswer> {
  await syncJournal(query.signal);
  return askJournal(query);
}

async function judge(
  lines: readonly string[],
  options: LogOptions,
  { signal, see: mend }: { signal: AbortSignal; see: string },
): Promise<Answer> {
  const texts = lines.map((line) => line.slice(0, maxLineLength));
  const found = await matchesOf(options.pattern, texts, { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    return fail(messageOf(error), expectedOf(options), `a pattern without repetitions inside of repetitions; ${mend}`);
  });
  if (!Array.isArray(found)) return found;
  const last = lines[found.at(-1) ?? -1];
  if (last === undefined) return pass(`not in ${lines.length} lines`, expectedOf(options));
  const count = `${found.length} of ${lines.length} lines, at last`;
  return fail(`${count}: ${shortened(last)}`, expectedOf(options), mend);
}

function expectedOf({ pattern }: LogOptions): string {
  return `no line matches ${pattern}`;
}
