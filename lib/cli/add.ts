import { isatty } from 'node:tty';
import { CutoverError } from '../base/errors.ts';
import { addBuild, type AddedBuild, type AddOptions } from '../deployer/add.ts';
import { pathsOf, targetNamed } from '../deployer/place.ts';
import type { Run, Terminal } from './command.ts';
import { configFor } from './place.ts';
import { interruptSignal } from './signals.ts';

/** Often enough to be seen moving, and no load. */
const tellEveryMs = 200;

type Options = Pick<AddOptions, 'sha256' | 'revision' | 'branch'>;

export const run: Run<Options> = async (words, options, terminal) => {
  const [archive = '', name] = words.toReversed();
  const config = await configFor(options, terminal);
  const target = targetNamed(config, name);
  const { sha256, revision, branch } = options;
  const progress = openProgress(terminal, options.quiet === true);
  try {
    const source = archive === '-' ? standardInput() : archive;
    const about = { archive: source, sha256, revision, branch, onProgress: progress.tell };
    const build = await addBuild({ target, paths: pathsOf(config, target), signal: interruptSignal() }, about);
    progress.end();
    if (options.json) terminal.print(JSON.stringify({ build }));
    else terminal.tell(`${textOf(build, target.name, options.quiet === true)}\n`);
    return 0;
  } finally {
    progress.end();
  }
};

function textOf({ id, files, size_bytes, notes }: AddedBuild, target: string, isQuiet: boolean): string {
  if (isQuiet) return id;
  const told = notes.map((note) => `  note: ${note}`);
  return [
    `${id} (${files} file${files === 1 ? '' : 's'}, ${sizeText(size_bytes)})`,
    ...told,
    `  -> cutover deploy ${target} ${id}`,
  ].join('\n');
}

function standardInput(): NodeJS.ReadStream {
  if (!isatty(0)) return process.stdin;
  throw new CutoverError('usage', 'standard input is a terminal, and an archive was to come from there', {
    mend: 'cutover add - < app.tar.gz',
  });
}

/** A line on the terminal that says how far it is, and that goes when it is over. */
function openProgress({ tell, isLive }: Terminal, isQuiet: boolean) {
  let toldAt = performance.now();
  let isShown = false;
  return {
    tell: ({ bytes, total, entries }: { bytes: number; total: number | null; entries: number }): void => {
      if (!isLive || isQuiet || performance.now() - toldAt < tellEveryMs) return;
      toldAt = performance.now();
      isShown = true;
      const of = total === null ? '' : ` of ${sizeText(total)}`;
      tell(`\r\u001B[K  … taking in ${sizeText(bytes)}${of}, ${entries} entries`);
    },
    end: (): void => {
      if (isShown) tell('\r\u001B[K');
      isShown = false;
    },
  };
}

/** One digit behind the point, in the largest unit: 12.3M. */
function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const power = Math.min(4, Math.floor(Math.log2(bytes) / 10));
  return `${Math.round((bytes / 1024 ** power) * 10) / 10}${'KMGT'[power - 1]}`;
}
