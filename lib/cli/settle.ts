import { ExitCode } from '../base/errors.ts';
import { settle, targetLeftBehind } from '../deployer/settle.ts';
import type { Place } from '../deployer/place.ts';
import type { GlobalOptions, Run, Terminal } from './command.ts';
import { tellOutcome } from './outcome.ts';
import { placeFor, placeOf } from './place.ts';
import { waitMsOf } from './waiting.ts';

interface SettleFlags {
  stateDirectory?: string | number;
  wait?: string | number | boolean;
}

export const run: Run<SettleFlags> = async ([name], options, terminal) => {
  const waitMs = waitMsOf(options.wait);
  const place = await placeToSettle(name, { options, terminal });
  const document = place && (await settle(place, { waitMs }));
  if (document && place) return tellOutcome(document, place, { options, terminal });
  if (options.json)
    terminal.print(JSON.stringify({ run: null, kind: 'settle', outcome: 'unchanged', exit_code: ExitCode.done }));
  else terminal.tell('nothing to settle: no run was cut off\n');
  return ExitCode.done;
};

/** By its state directory alone, as systemd calls it: the ledger holds all that the configuration held. */
async function placeToSettle(
  name: string | undefined,
  { options, terminal }: { options: GlobalOptions & SettleFlags; terminal: Terminal },
): Promise<Place | null> {
  if (options.stateDirectory === undefined) return placeFor(name, options, terminal, { log: true });
  const left = await targetLeftBehind(String(options.stateDirectory));
  if (!left) return null;
  const { config, target, paths } = left;
  return placeOf(config, target, { options, terminal, paths, log: true });
}
