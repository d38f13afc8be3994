import type { CommandRow } from '../command.ts';
import { flagsNamed } from '../flags.ts';

/** What a word or a value can be. */
export type Kind =
  | 'command'
  | 'option'
  | 'target'
  | 'build'
  | 'run'
  | 'backup'
  | 'unit'
  | 'user'
  | 'group'
  | 'file'
  | 'directory'
  | 'shell'
  | 'strategy'
  | 'event'
  | 'section'
  | 'wait'
  | 'period'
  | 'nothing';

/** By what stands between the brackets in the words of a command. */
const wordKinds: Readonly<Record<string, Kind>> = {
  target: 'target',
  build: 'build',
  run: 'run',
  unit: 'unit',
  archive: 'file',
  'build-directory': 'directory',
  shell: 'shell',
  event: 'event',
  section: 'section',
};

/** By the option's name, where what stands between its brackets does not tell. */
const optionKinds: Readonly<Record<string, Kind>> = {
  '--strategy': 'strategy',
  '--only': 'target',
  '--wait': 'wait',
  '--since': 'period',
  '--deploy-user': 'user',
  '--group': 'group',
};

const valueKinds: Readonly<Record<string, Kind>> = { file: 'file', path: 'file', dir: 'directory' };

/** What the value of an option is. */
export function kindOfValue(row: CommandRow | undefined, option: string): Kind {
  if (option === '--state-directory') return 'directory';
  const [, value = ''] = /[<[]([a-z-]+)/.exec(flagsNamed(row, option) ?? '') ?? [];
  return optionKinds[option] ?? valueKinds[value] ?? 'nothing';
}

/** What the word of that number is; several kinds where a word before it may be left out. */
export function kindsOfWord(row: CommandRow, at: number, options: ReadonlyMap<string, string>): readonly Kind[] {
  const words = row.words.split(' ').filter(Boolean);
  const repeated = words.at(-1)?.includes('...') ? words.at(-1) : undefined;
  const word = words[at] ?? repeated;
  if (word === undefined) return ['nothing'];
  const next = words[at + 1];
  const isOptionalBefore = word.startsWith('[') && next?.startsWith('<');
  return [word, ...(isOptionalBefore && next ? [next] : [])].map((one) => kindOfWord(row, one, options));
}

function kindOfWord({ name }: CommandRow, word: string, options: ReadonlyMap<string, string>): Kind {
  const bare = word.replaceAll(/[<>[\].]/g, '');
  if (name === 'init' && options.has('--git')) return 'target';
  if (name === 'restore' && bare === 'file') return 'backup';
  return wordKinds[bare] ?? 'nothing';
}
