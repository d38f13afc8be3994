import { realpath, stat } from 'node:fs/promises';
import { CutoverError, isCutoverError } from '../../../base/errors.ts';
import { readIfThere } from '../../../base/files.ts';
import { parseText } from '../../../config/load.ts';
import type { Config, StrategyName } from '../../../config/model.ts';
import type { OurFile } from './our-units.ts';

/** Behind a line of ours, which goes when it is not needed any more. */
const remark = '  # by cutover init --strategy';

/** A configuration that is there, or one that is to be written. */
export interface ConfigText {
  path: string;
  text: string;
  mode: number;
  isThere: boolean;
  /** Where it is yet to be written: why it may not take the place of a text that is there by then; null: it may. */
  refuse?: (existing: string) => Promise<CutoverError | null>;
}

/** Reads a configuration's file, through a link where it is one. */
export async function readConfigText(path: string): Promise<ConfigText> {
  const file = await realpath(path);
  const [text, { mode }] = await Promise.all([readIfThere(file), stat(file)]);
  return { path: file, text: text ?? '', mode: mode & 0o7777, isThere: true };
}

/**
 * The configuration's file with another strategy of one target, and nothing else changed: comments and order stay.
 * @throws `refused` where the file is written in a way that a line cannot mend
 */
export async function withStrategy(
  config: ConfigText,
  { target, strategy }: { target: string; strategy: StrategyName },
): Promise<OurFile> {
  const { path, text, mode, isThere } = config;
  const file = { path, before: isThere ? text : null, mode };
  const before = await parseText(text, { file: path, mode });
  const wanted = wholeText(before, target, strategy);
  for (const candidate of [text, ...candidates(text, target, strategy)]) {
    const after = await parseText(candidate, { file: path, mode }).catch((error: unknown) => {
      if (!isCutoverError(error, 'config')) throw error;
      return null;
    });
    if (after && JSON.stringify(after) === wanted) return { ...file, after: candidate };
  }
  const what = `the strategy of ${target} cannot be set by a line of its own in ${path}; nothing was changed`;
  throw new CutoverError('refused', what, {
    mend: `write the table of the target as [targets.${target}], each key on a line of its own, and again`,
  });
}

/**
 * The same for a file that somebody may have written since it was read: what stands there now is theirs, and stays.
 * @param planned what was to be written by what was read
 * @throws `config`, `refused` where the strategy cannot be set there
 */
export async function strategyIn(
  planned: OurFile,
  { unit, target, strategy }: { unit: string; target: string; strategy: StrategyName },
): Promise<OurFile> {
  const { path, before, after } = planned;
  const text = await readIfThere(path);
  if (text === before || text === after) return planned;
  if (text === null) return { ...planned, after: null };
  const { mode } = await stat(path);
  const now = { path, text, mode: mode & 0o7777, isThere: true };
  const config = await parseText(text, { file: path, mode: now.mode });
  if (config.targets[target]?.unit === unit) return withStrategy(now, { target, strategy });
  throw new CutoverError('refused', `${path} was written meanwhile, and has no target ${target} for ${unit}`, {
    mend: `write a table [targets.${target}] with unit = "${unit}" there`,
  });
}

/** The line that differs, for a person to read. */
export function changedLines({ before, after }: OurFile): string {
  const known = new Set((before ?? '').split('\n'));
  const left = new Set((after ?? '').split('\n'));
  const gone = [...known].filter((line) => before !== null && !left.has(line)).map((line) => `- ${line}`);
  const added = [...left].filter((line) => !known.has(line)).map((line) => (before === null ? line : `+ ${line}`));
  return [...gone, ...added].join('\n');
}

function wholeText(config: Config, name: string, strategy: StrategyName): string {
  const { targets } = config;
  const changed = Object.entries(targets).map(([key, target]) => [
    key,
    key === name ? { ...target, strategy } : target,
  ]);
  return JSON.stringify({ ...config, targets: Object.fromEntries(changed) as Config['targets'] });
}

/** Texts that may do it, the least change first; which of them does, the parser says. */
function candidates(text: string, target: string, strategy: StrategyName): string[] {
  const lines = text.split('\n');
  const { first, end } = tableOf(lines, target);
  if (first === -1) return [];
  const places = lines.map((_, at) => at).slice(first, end);
  const own = places.find((at) => /^\s*strategy\s*=/.test(lines[at] ?? ''));
  if (own === undefined) {
    const after = places.findLast((at) => /^\s*#?\s*(unit|builds|strategy)\s*=/.test(lines[at] ?? '')) ?? first - 1;
    return [lines.toSpliced(after + 1, 0, `strategy = "${strategy}"${remark}`).join('\n')];
  }
  const line = lines[own] ?? '';
  const edited = line.replace(/(=\s*)("[^"]*"|'[^']*')/, `$1"${strategy}"`);
  const without = line.endsWith(remark) ? [lines.toSpliced(own, 1).join('\n')] : [];
  return [...without, lines.with(own, edited).join('\n')];
}

/** The lines of a target's own table, without its heading. */
function tableOf(lines: readonly string[], target: string): { first: number; end: number } {
  const name = target.replaceAll(/[.\\+*?^$()[\]{}|]/g, String.raw`\$&`);
  const heading = new RegExp(String.raw`^\s*\[\s*targets\s*\.\s*(${name}|"${name}"|'${name}')\s*\]\s*(#.*)?$`);
  const first = lines.findIndex((line) => heading.test(line)) + 1;
  if (first === 0) return { first: -1, end: -1 };
  const next = lines.findIndex((line, at) => at >= first && /^\s*\[/.test(line));
  return { first, end: next === -1 ? lines.length : next };
}
