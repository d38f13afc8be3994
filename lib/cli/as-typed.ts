import { asTyped, type Typed } from '../report/typed.ts';
import type { CommandRow, GlobalOptions, Terminal } from './command.ts';
import { isTargetName } from './target-first.ts';

/** A command as it was called. */
interface Called {
  row: Pick<CommandRow, 'name' | 'words'>;
  words: readonly string[];
  options: GlobalOptions;
}

/** What these print is somebody else's text, or goes through whoever called them. */
const verbatim = new Set(['config', 'logs', 'recover-one']);

/** In a line that is no mend, a command to type stands behind one of these. */
const introduced = /(?:(?:[:;]|->) |\bnext {2,})(?:\w+ )?$/;

/** What a unit or a hook has said. */
const quoted = /^(?:\W\[\d+m)* +\| /;

/** The target is typed where a command's words begin with one and name one. */
function typedIn({ row, words, options }: Called): Typed {
  const config = options.config === undefined ? undefined : String(options.config);
  const wanted = row.words;
  const needed = wanted.split(' ').filter((word) => word.startsWith('<')).length;
  const [first] = words;
  const isTarget = wanted.startsWith('[target]') && first !== undefined && words.length > needed;
  const isNamed = isTarget && isTargetName(first);
  return { config, target: isNamed ? first : undefined };
}

/** A terminal on which what is to be typed next can be typed as it stands. */
export function tellingAsTyped(terminal: Terminal, called: Called): Terminal {
  const typed = typedIn(called);
  if ((typed.config === undefined && typed.target === undefined) || verbatim.has(called.row.name)) return terminal;
  const line = (text: string): string => {
    if (quoted.test(text)) return text;
    const isMend = text.includes('-> ');
    return asTyped(text, typed, (before) => isMend || introduced.test(before));
  };
  const lines = (text: string): string => text.split('\n').map(line).join('\n');
  return {
    ...terminal,
    print: (text) => terminal.print(documentAsTyped(text, typed) ?? lines(text)),
    tell: (text) => terminal.tell(lines(text)),
    complain: (text) => terminal.complain(lines(text)),
  };
}

/** Keys of a document that hold what is to be typed. */
const mends = new Set(['mend', 'next', 'commands']);

/** @returns null for what is no document */
function documentAsTyped(text: string, typed: Typed): string | null {
  if (!text.startsWith('{')) return null;
  if (!text.includes('cutover ')) return text;
  try {
    return JSON.stringify(valueAsTyped(JSON.parse(text), typed, false));
  } catch {
    return null;
  }
}

function valueAsTyped(value: unknown, typed: Typed, isMend: boolean): unknown {
  if (typeof value === 'string') return isMend ? asTyped(value, typed) : value;
  if (Array.isArray(value)) return value.map((item) => valueAsTyped(item, typed, isMend));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(entries.map(([key, item]) => [key, valueAsTyped(item, typed, mends.has(key))]));
}
