import { shellWord } from '../base/shell-words.ts';

/** What is needed again for another command to be about the same thing. */
export interface Typed {
  /** the configuration that was named; undefined: the one that is found without a name */
  config?: string | undefined;
  target?: string | undefined;
}

/** Commands that are about a configuration; the others know nothing of it. */
const configured =
  'check|deploy|rollback|settle|status|builds|add|verify|prune|history|report|logs|backup|restore|recover|monitor|config|init|serve';
const aboutNoTarget = new Set(['config', 'init', 'serve', 'monitor', 'recover']);
const calls = new RegExp(String.raw`\bcutover (${configured})\b(?! --(?:help|state-directory)\b)`, 'g');

/** What can follow where the target is left out: an end, an option, a build, or a word of ours. */
const noTarget = /^(?:$|[\p{Cc};,:)'"]| (?:$|[-(<|]|dist\.|or\b|and\b|then\b|with\b|which\b|brings\b))/u;

/**
 * The commands in what is to be typed next, about the configuration and the target that this one is about.
 * @param isCommand whether what stands behind this text is a command, and no mere mention
 */
export function asTyped(mend: string, typed: Typed, isCommand = (_before: string): boolean => true): string {
  return mend.replaceAll(calls, (call: string, name: string, at: number) => {
    if (!isCommand(mend.slice(0, at))) return call;
    const behind = mend.slice(at + call.length);
    const own = /^[^;\n]*/.exec(behind)?.[0] ?? '';
    const config = typed.config === undefined || own.includes('--config') ? '' : ` --config ${shellWord(typed.config)}`;
    const lacks = typed.target !== undefined && !aboutNoTarget.has(name) && noTarget.test(behind);
    return `${call}${config}${lacks ? ` ${typed.target}` : ''}`;
  });
}
