import type { FileResult } from '../deployer/init/files.ts';
import type { UnitResult } from '../deployer/init/enable.ts';
import type { Found, InitReport } from '../deployer/init/report.ts';
import { columns } from '../report/text.ts';
import type { GlobalOptions, Terminal } from './command.ts';

/** A page of the manual that somebody has changed is not to fill the terminal. */
const mostLines = 60;

/** Tells what became of a file, and in a dry run what it would say. */
export function tellFile(
  { path, status, mode, content }: FileResult,
  options: GlobalOptions,
  { tell, colours }: Terminal,
): void {
  if (options.quiet && (content === undefined || status === 'kept')) return;
  const paint = status === 'unchanged' ? colours.dim : status === 'kept' ? colours.yellow : colours.green;
  tell(`${paint(status)} ${path} (mode ${mode})\n`);
  if (content === undefined || status === 'unchanged') return;
  const isLong = status === 'kept' && content.split('\n').length > mostLines;
  tell(
    isLong ? '  what cutover would write there: with --json\n' : `${status === 'kept' ? asOurs(content) : content}\n`,
  );
}

/** A text that was not written, beside the file that stays. */
function asOurs(content: string): string {
  return [
    '  what cutover would write there:',
    ...content
      .trimEnd()
      .split('\n')
      .map((line) => `  | ${line}`),
  ].join('\n');
}

/** Tells what was done, and what to type next. */
export function tellReport(
  report: InitReport & { found?: Found[] },
  { options, terminal, isDryRun }: { options: GlobalOptions; terminal: Terminal; isDryRun: boolean },
): void {
  const { found = [], ...document } = report;
  if (options.json) {
    terminal.print(JSON.stringify(document));
    return;
  }
  const { units, notes, next } = report;
  const { yellow, dim } = terminal.colours;
  const rows = found.map(({ key, value, note }) => [`  ${key}`, String(value), note]);
  const lines = [
    ...units.map(({ unit, status }) => `${status} ${unit}`),
    ...(rows.length === 0 ? [] : [dim(columns(rows))]),
    ...notes.map((note) => yellow(`  note: ${note}`)),
    ...(isDryRun ? ['nothing was written: --dry-run'] : next.length > 0 ? ['type next:'] : []),
    ...next.map((command) => `  -> ${command}`),
  ];
  terminal.tell(`${(options.quiet ? next.map((command) => `-> ${command}`) : lines).join('\n')}\n`);
}

/** What a change of a running service came to. */
interface ChangeReport {
  units?: UnitResult[];
  notes: string[];
  next: string[];
  commands: string[];
}

/** Tells what was done to a service, and what to type next. @param end how it ended, in words */
export function tellChange(
  report: ChangeReport,
  end: string,
  { options, terminal, isDryRun }: { options: GlobalOptions; terminal: Terminal; isDryRun: boolean },
): void {
  if (options.json) {
    terminal.print(JSON.stringify(report));
    return;
  }
  const { units = [], notes, next, commands } = report;
  const { yellow, green } = terminal.colours;
  const details = [
    ...units.map(({ unit, status }) => `${status} ${unit}`),
    ...commands.map((command) => `${isDryRun ? 'would run' : 'as by'} ${command}`),
    ...notes.map((note) => yellow(`  note: ${note}`)),
    isDryRun ? 'nothing was changed: --dry-run' : green(end),
    'type next:',
  ];
  const lines = [...(options.quiet ? [] : details), ...next.map((command) => `  -> ${command}`)];
  terminal.tell(`${lines.join('\n')}\n`);
}
