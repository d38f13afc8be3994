import { shellWord } from '../base/shell-words.ts';
import { isBuildId } from '../builds/layout.ts';
import { isRunId } from '../run/inputs.ts';
import type { CommandRow, GlobalOptions, Terminal } from './command.ts';

/** A command as it was called. */
interface Called {
  row: Pick<CommandRow, 'name' | 'words'>;
  words: readonly string[];
  options: GlobalOptions;
}

/** What of it is needed again for another command to be about the same thing. */
interface Typed {
  /** the configuration that was named; undefined: the one that is found without a name */
  config?: string | undefined;
  target?: string | undefined;
}

/** Commands that are about a configuration; the others know nothing of it. */
const configured =
  'check|deploy|rollback|settle|status|builds|add|verify|prune|history|report|logs|backup|restore|recover|monitor|config|init|serve';
/** What these print is somebody else's text, or goes through whoever called them. */
const verbatim = new Set(['config', 'logs', 'recover-one']);
const aboutNoTarget = new Set(['config', 'init', 'serve', 'monitor', 'recover']);
const calls = new RegExp(String.raw`\bcutover (${configured})\b(?! --(?:help|state-directory)\b)`, 'g');

/** What can follow where the target is left out: an end, an option, a build, or a word of ours. */
const noTarget = /^(?:$|[\p{Cc};,:)'"]| (?:$|[-(<|]|dist\.|or\b|and\b|then\b|with\b|which\b|brings\b))/u;

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
  const isNamed = isTarget && /^\w[\w.-]*$/.test(first) && !isBuildId(first) && !isRunId(first);
  return { config, target: isNamed ? first : undefined };
}

/** The commands in what is to be typed next, about the configuration and the target that this one is about. */
function asTyped(mend: string, typed: Typed, isCommand = (_before: string): boolean => true): string {
  return mend.replaceAll(calls, (call: string, name: string, at: number) => {
    if (!isCommand(mend.slice(0, at))) return call;
    const behind = mend.slice(at + call.length);
    const own = /^[^;\n]*/.exec(behind)?.[0] ?? '';
    const config = typed.config === undefined || own.includes('--config') ? '' : ` --config ${shellWord(typed.config)}`;
    const lacks = typed.target !== undefined && !aboutNoTarget.has(name) && noTarget.test(behind);
    return `${call}${config}${lacks ? ` ${typed.target}` : ''}`;
  });
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
