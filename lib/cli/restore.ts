import { redactSentences } from '../base/redactor.ts';
import { CutoverError, ExitCode } from '../base/errors.ts';
import { spelledSize } from '../config/quantities.ts';
import { type FoundBackup, findBackup } from '../database/restore.ts';
import { ownerOf } from '../deployer/backup.ts';
import { targetNamed } from '../deployer/place.ts';
import { restore, type RestoreReport } from '../deployer/restore.ts';
import { afterwards, whileWorking } from './afterwards.ts';
import type { Run, Terminal } from './command.ts';
import { configFor, placeOf } from './place.ts';
import { waitMsOf } from './waiting.ts';

export const run: Run<{ yes?: boolean; wait?: string | number | boolean }> = async (words, options, terminal) => {
  const [file = '', name] = words.toReversed();
  const waitMs = waitMsOf(options.wait);
  const config = await configFor(options, terminal);
  const target = targetNamed(config, name);
  const owner = ownerOf({ config, target });
  const found = await findBackup(file, owner.database, terminal.cwd);
  if (!options.yes)
    await confirm(found, `${owner.database.path ?? 'the PostgreSQL database'} of ${target.name}`, target.unit);
  const place = await placeOf(config, target, { options, terminal, log: true });
  const report = await whileWorking(place, terminal, () => restore(place, { file: found.path, waitMs }));
  place.emit({ type: 'outcome', document: report.run });
  if (options.json) terminal.print(JSON.stringify(redactSentences(report, place.redact)));
  else tell(report, terminal);
  // Only a service that is left down is news for others.
  await afterwards(report.run.outcome === 'failed' ? report.run : null, place, { terminal });
  return report.exit_code;
};

function tell({ target, replaced, set_aside, exit_code }: RestoreReport, { tell: say }: Terminal): void {
  for (const kept of [replaced, set_aside]) if (kept !== null) say(`  what was there before is kept: ${kept}\n`);
  if (replaced !== null && exit_code === ExitCode.failed) say(`  -> cutover restore ${target} ${replaced}\n`);
}

/** @throws `usage` without a terminal, `refused` when the answer is no, `interrupted` at Ctrl-C */
async function confirm({ path, bytes, writtenMs }: FoundBackup, database: string, unit: string): Promise<void> {
  const { isatty } = await import('node:tty');
  if (!isatty(0) || !isatty(2)) {
    throw new CutoverError('usage', 'a restore asks first, and there is no terminal to ask on', {
      mend: `repeat with --yes to replace ${database}`,
    });
  }
  const { askOnTerminal } = await import('./asking.ts');
  const what = `${path} (${spelledSize(bytes)}, written ${new Date(writtenMs).toISOString()})`;
  process.stderr.write(`Replace ${database} by ${what}?\n${unit} is stopped meanwhile; what is there is kept.\n`);
  const answer = await askOnTerminal((ask) => ask('Type yes to go on: '));
  if (answer?.toLowerCase() === 'yes') return;
  throw new CutoverError('refused', 'not confirmed: nothing was changed');
}
