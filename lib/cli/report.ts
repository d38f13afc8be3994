import { CutoverError, isCutoverError } from '../base/errors.ts';
import type { Config, TargetConfig } from '../config/model.ts';
import { report } from '../deployer/history.ts';
import { pathsOf, targetNamed } from '../deployer/place.ts';
import { findLog, type LogOf } from '../report/log-file.ts';
import { reportText } from '../report/text.ts';
import type { GlobalOptions, Run, Terminal } from './command.ts';
import { configFor } from './place.ts';
import { targetFirst } from './target-first.ts';
import { durationOption } from './waiting.ts';

interface ReportFlags {
  slo?: boolean;
  since?: string | number;
}

export const run: Run<ReportFlags> = async (words, options, terminal) => {
  const [name, id] = targetFirst(words);
  if (options.slo) return tellFigures([name, id], options, terminal);
  if (options.since !== undefined)
    throw new CutoverError('usage', '--since is for the figures', { mend: 'cutover report --slo --since=30d' });
  const config = await configFor(options, terminal, name);
  const target = targetNamed(config, name);
  const document = await report(pathsOf(config, target), id).catch((error: unknown) => {
    throw id !== undefined && isCutoverError(error, 'usage') ? whereItIs(error, id, { config, target }) : error;
  });
  if (options.json) terminal.print(JSON.stringify(document));
  else terminal.tell(`${reportText(document, terminal.colours)}\n`);
  return 0;
};

/** A run that was refused before its first step has a log, which its notice is about, and no report. */
function whereItIs(
  error: CutoverError,
  run: string,
  { config, target }: { config: Config; target: TargetConfig },
): CutoverError {
  if (!hasLog({ directory: config.logs, unit: target.unit, run })) return error;
  const mend = `cutover logs ${target.name} ${run}`;
  return new CutoverError('usage', `run ${run} left a log and no report: it was refused, or its record is gone`, {
    mend,
  });
}

/** Who may not read the logs is told of the run. */
function hasLog(log: LogOf): boolean {
  try {
    return findLog(log) !== null;
  } catch {
    return false;
  }
}

async function tellFigures(
  [name, id]: (string | undefined)[],
  options: GlobalOptions & ReportFlags,
  terminal: Terminal,
): Promise<number> {
  if (id !== undefined)
    throw new CutoverError('usage', `the figures are of a target, not of run ${id}`, { mend: 'cutover report --slo' });
  const sinceMs = options.since === undefined ? null : durationOption('--since', options.since, '30d');
  const { slo } = await import('../deployer/slo.ts');
  const { sloText } = await import('../report/slo-text.ts');
  const config = await configFor(options, terminal, name);
  const target = targetNamed(config, name);
  const subject = { app: config.app, target: target.name, paths: pathsOf(config, target) };
  const figures = await slo(subject, { sinceMs });
  if (options.json) terminal.print(JSON.stringify(figures));
  else terminal.tell(`${sloText(figures, terminal.colours)}\n`);
  return 0;
}
