import { CutoverError, ExitCode } from '../base/errors.ts';
import type { Config, TargetConfig } from '../config/model.ts';
import { pathsOf, targetNamed } from '../deployer/place.ts';
import { carryOutRequest } from '../triggers/serve/carry-out.ts';
import { pushedBy } from '../triggers/serve/pushed.ts';
import { readRecord } from '../triggers/serve/record.ts';
import { isRequestId } from '../triggers/serve/request.ts';
import { afterwards, whileWorking } from './afterwards.ts';
import type { Run } from './command.ts';
import { tellOutcome } from './outcome.ts';
import { configFor, placeOf } from './place.ts';

/** What `cutover-request@.service` runs: one request that the receiver accepted. */
export const run: Run = async ([name], options, terminal) => {
  const config = await configFor(options, terminal);
  const { target, id } = asked(config, name);
  const pushed = await pushedBy({ config, target, id }, terminal.env);
  const place = await placeOf(config, target, { options, terminal, log: true });
  const ended = await whileWorking(place, terminal, () => carryOutRequest(place, { id, pushed }));
  if (ended?.isTold) {
    const { run: known, outcome, exit_code } = ended.document;
    terminal.tell(`run ${known} of ${id} has ended before, and was told of: ${outcome}\n`);
    return exit_code;
  }
  if (ended) {
    const exitCode = tellOutcome(ended.document, place, { options, terminal });
    await afterwards(ended.document, place, { terminal });
    return exitCode;
  }
  terminal.tell(`${id} was carried out before\n`);
  return (await readRecord(pathsOf(config, target), id))?.exit_code ?? ExitCode.failed;
};

/** Whoever may start the unit may write anything into its name: nothing of it is believed. */
function asked(config: Config, name = ''): { target: TargetConfig; id: string } {
  const [app, target, id = '', ...more] = name.split('/');
  if (app === config.app && target && isRequestId(id) && more.length === 0)
    return { target: targetNamed(config, target), id };
  throw new CutoverError('usage', `"${name}" is no request of ${config.app}`, {
    mend: `cutover request ${config.app}/TARGET/ID, as the receiver has systemd do`,
  });
}
