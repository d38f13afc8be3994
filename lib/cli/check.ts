import { ExitCode } from '../base/errors.ts';
import { redactSentences } from '../base/redactor.ts';
import { check } from '../deployer/check.ts';
import type { Run } from './command.ts';
import { placeFor } from './place.ts';

export const run: Run = async ([target], options, terminal) => {
  const place = await placeFor(target, options, terminal);
  const report = await check(place);
  if (options.json) terminal.print(JSON.stringify(redactSentences(report, place.redact)));
  else {
    const failed = report.checks.filter(({ status }) => status === 'fail').length;
    const { green, red } = terminal.colours;
    terminal.tell(
      `${report.safe ? green(`${report.target}: safe to deploy`) : red(`${report.target}: ${failed} of ${report.checks.length} checks failed`)}\n`,
    );
  }
  return report.safe ? ExitCode.done : ExitCode.refused;
};
