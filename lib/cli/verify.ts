import { ExitCode } from '../base/errors.ts';
import { pathsOf, targetNamed } from '../deployer/place.ts';
import { verify, type VerifyReport } from '../deployer/verify.ts';
import type { Run, Terminal } from './command.ts';
import { configFor } from './place.ts';
import { watcherSignal } from './signals.ts';
import { targetFirst } from './target-first.ts';

export const run: Run = async (words, options, terminal) => {
  const [name, build] = targetFirst(words);
  const config = await configFor(options, terminal, name);
  const target = targetNamed(config, name);
  const report = await verify({ target, paths: pathsOf(config, target), signal: watcherSignal() }, build);
  if (options.json) terminal.print(JSON.stringify(report));
  else terminal.tell(`${textOf(report, terminal, options.quiet === true)}\n`);
  return report.same ? ExitCode.done : ExitCode.refused;
};

function textOf(report: VerifyReport, { colours }: Terminal, isQuiet: boolean): string {
  const { build, same, changed, missing, files } = report;
  if (same) return colours.green(`${build} is as it was taken in (${files} file${files === 1 ? '' : 's'} compared)`);
  const counts = { changed: changed.length, missing: missing.length, new: report.new.length };
  const parts = Object.entries(counts).flatMap(([what, count]) => (count === 0 ? [] : [`${count} ${what}`]));
  const headline = colours.red(`${build} is not as it was taken in: ${parts.join(', ')}`);
  if (isQuiet) return headline;
  return [
    headline,
    ...changed.map(({ path, what }) => `  changed  ${shown(path)} (${what.join(', ')})`),
    ...missing.map((path) => `  missing  ${shown(path)}`),
    ...report.new.map((path) => `  new      ${shown(path)}`),
  ].join('\n');
}

/** A name that somebody made must not write on the terminal. */
function shown(path: string): string {
  return /\p{Cc}/u.test(path) ? JSON.stringify(path) : path;
}
