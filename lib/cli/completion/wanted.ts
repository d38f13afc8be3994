import { basename } from 'node:path';
import { type CommandRow, commandOfTool } from '../command.ts';
import { flagsNamed } from '../flags.ts';
import { type Kind, kindOfValue, kindsOfWord } from './kinds.ts';

/** What may stand at the cursor. */
export interface Wanted {
  kinds: readonly Kind[];
  /** what was typed of it */
  typed: string;
  /** what stands before it in the same word: `--config=`, or the values of a list that are there already */
  before: string;
  /** the command, once there is one */
  row?: CommandRow;
  /** the words after the command */
  words: readonly string[];
  /** the options that were given, by name, each with its last value */
  options: ReadonlyMap<string, string>;
}

/** What was read of the words before the cursor. */
interface Read {
  row?: CommandRow;
  words: string[];
  options: Map<string, string>;
  /** the option that waits for its value */
  pending?: string;
  /** after `--` there are no options */
  isOver: boolean;
}

/**
 * Tells what may stand at the cursor, by the rules of the real parser.
 * @param line the words, beginning with the executable; the last one is being typed
 * @param rows the table of commands
 */
export function wantedAt(line: readonly string[], rows: readonly CommandRow[]): Wanted {
  const [tool = 'cutover', ...rest] = line;
  const typed = rest.pop() ?? '';
  const own = commandOfTool[basename(tool)];
  const read = readWords(rest, { rows, row: rows.find(({ name }) => name === own) });
  const { row, words, options, pending } = read;
  const wanted = (kinds: readonly Kind[], before = ''): Wanted => {
    return { kinds, typed: typed.slice(before.length), before, row, words, options };
  };
  if (pending !== undefined) return wanted([kindOfValue(row, pending)], listed(pending, row, typed, ''));
  if (typed.startsWith('-') && !read.isOver) {
    const [name = '', value] = typed.split(/=(.*)/s);
    if (value === undefined) return wanted(['option']);
    return wanted([kindOfValue(row, name)], listed(name, row, value, `${name}=`));
  }
  return wanted(row ? kindsOfWord(row, words.length, options) : ['command']);
}

function readWords(rest: string[], { rows, row }: { rows: readonly CommandRow[]; row: CommandRow | undefined }): Read {
  const read: Read = { row, words: [], options: new Map(), isOver: false };
  for (const word of rest) {
    if (read.pending !== undefined) {
      read.options.set(read.pending, word);
      read.pending = undefined;
    } else if (!read.isOver && word === '--') read.isOver = true;
    else if (!read.isOver && word.startsWith('-') && word !== '-') readOption(word, read);
    else if (read.row) read.words.push(word);
    else read.row = rows.find(({ name }) => name === word) ?? unknown;
  }
  return read;
}

/** Of a command that does not exist nothing is known. */
const unknown: CommandRow = { name: '', words: '', does: '', options: [], examples: [], load: () => Promise.reject() };

function readOption(word: string, read: Read): void {
  const [name = '', value] = word.split(/=(.*)/s);
  read.options.set(name, value ?? '');
  if (value === undefined && flagsNamed(read.row, name)?.includes('<')) read.pending = name;
}

/** The part of a list that is there already counts as typed before. */
function listed(option: string, row: CommandRow | undefined, value: string, before: string): string {
  const isList = flagsNamed(row, option)?.includes('...') ?? false;
  return before + (isList ? value.slice(0, value.lastIndexOf(',') + 1) : '');
}
