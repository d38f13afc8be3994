import { askedOptions, type CommandRow, globalOptions, shownFlags } from './command.ts';

/** Every command that people use, in a line each. */
export function overview(rows: readonly CommandRow[]): string {
  const shown = rows.filter(({ isHidden }) => !isHidden);
  return [
    'cutover: moves a systemd service from one build to the next and never leaves it broken',
    '',
    'Usage: cutover <command> [target] [options]',
    '',
    ...shown.map(({ name, words, does }) => `  ${`${name} ${shownWords(words)}`.padEnd(26)} ${inShort(does)}`),
    '',
    ...optionRows([...globalOptions, ...askedOptions]),
    '',
    'Examples:',
    '  cutover check production',
    '  cutover deploy production',
    '  cutover rollback production',
    '',
    'Exit codes: 0 done, 1 refused, 2 no usable build, 3 a person is needed now, 4 the build before is back.',
    'cutover <command> --help tells more about one command; the manual, cutover(1), about all of them.',
  ].join('\n');
}

/** All about one command. @param called what was typed to call it: `cutover deploy`, or one of the other names */
export function helpFor({ words, does, options, examples }: CommandRow, called: string): string {
  const usage = `Usage: ${`${called} ${shownWords(words)}`.trim()} [options]`;
  const all = optionRows([...options, ...globalOptions, ...askedOptions]);
  return [`${does}.`, '', usage, '', ...all, '', 'Examples:', ...examples.map((example) => `  ${example}`)].join('\n');
}

/** The first half of a sentence that has a semicolon. */
export function inShort(does: string): string {
  return does.split(';')[0] ?? does;
}

function shownWords(words: string): string {
  return words.replaceAll(/([<[])\.\.\.([a-z]+)/g, '$1$2...');
}

function optionRows(options: readonly [string, string][]): string[] {
  return options.map(([flags, text]) => `  ${shownFlags(flags).padEnd(26)} ${text}`);
}
