import { ExitCode, messageOf } from '../base/errors.ts';
import { redactSentences } from '../base/redactor.ts';
import { currentBuild } from '../builds/current.ts';
import { originOf } from '../builds/origin.ts';
import { pathsOf, targetNamed } from '../deployer/place.ts';
import { putBackAtBoot, settle, settleChange, targetLeftBehind } from '../deployer/settle.ts';
import type { RunDocument } from '../run/document.ts';
import { type StatePaths, statePathsIn } from '../run/state.ts';
import { tellReady } from '../systemd/notify.ts';
import { afterwards, whileWorking } from './afterwards.ts';
import { workAsOwner } from './as-owner.ts';
import type { GlobalOptions, Run, Terminal } from './command.ts';
import { listenersIn } from './notify-afterwards.ts';
import { tellOutcome } from './outcome.ts';
import { type CommandPlace, configFor, placeFor, placeOf } from './place.ts';
import { interruptSignal } from './signals.ts';
import { waitMsOf } from './waiting.ts';

interface SettleFlags {
  stateDirectory?: string | number;
  boot?: boolean;
  wait?: string | number | boolean;
}

export const run: Run<SettleFlags> = async ([name], options, terminal) => {
  const waitMs = waitMsOf(options.wait);
  const startedMs = Date.now();
  if (options.boot) await beforeTheUnitStarts(name, { options, terminal });
  const place = await placeToSettle(name, { options, terminal });
  const document = place && (await settle(place, { waitMs }));
  if (document && place) {
    const exitCode = tellOutcome(document, place, { options, terminal });
    const listeners = options.stateDirectory === undefined ? {} : await listenersIn(place);
    await afterwards(document, place, { terminal, ...listeners, isPruned: false });
    return exitCode;
  }
  const ended = place && (await whileWorking(place, terminal, () => settleChange(place, { waitMs })));
  if (!options.json) terminal.tell(`${ended ?? 'nothing to settle: no run was cut off'}\n`);
  else if (place)
    terminal.print(JSON.stringify(redactSentences(await unchanged(place, { ended, startedMs }), place.redact)));
  else terminal.print(JSON.stringify(nothing));
  return ExitCode.done;
};

/** What is said where no run was cut off. */
const nothing = { run: null, kind: 'settle', outcome: 'unchanged', exit_code: ExitCode.done } as const;

/** The whole of that document, where the target is known. @param ended what was done with a change of the unit that was cut off */
async function unchanged(
  { config, target }: CommandPlace,
  { ended, startedMs }: { ended: string | null; startedMs: number },
): Promise<RunDocument> {
  const current = await currentBuild(target.builds).catch(() => null);
  const { name, unit, strategy, builds } = target;
  const { revision, branch } = await originOf(builds, current);
  const what = { app: config.app, target: name, unit, strategy, from: current, to: current, revision, branch };
  const when = { started_at: new Date(startedMs).toISOString(), duration_ms: Math.max(0, Date.now() - startedMs) };
  const how = { downtime_ms: 0, longest_wait_ms: null, steps: [], checks: [], failure: null, cause: null };
  const first = ended === null ? {} : { ended_first: ended };
  return { ...nothing, ...what, active: current, ...when, ...how, ...first };
}

/** The unit is ordered behind ours, which counts as started from here on: whatever went wrong, the boot goes on. */
async function beforeTheUnitStarts(
  name: string | undefined,
  { options, terminal }: { options: GlobalOptions & SettleFlags; terminal: Terminal },
): Promise<void> {
  try {
    const paths = await pathsToSettle(name, { options, terminal });
    await workAsOwner([paths.directory], terminal.env);
    const build = await putBackAtBoot(paths, interruptSignal());
    if (build) terminal.tell(`current names ${build} again: the machine was booted in the middle of a run\n`);
  } catch (error) {
    // The settle that follows tries again, and says what is wrong.
    terminal.complain(`cutover: current could not be put back before the boot went on: ${messageOf(error)}\n`);
  } finally {
    await tellReady(terminal.env);
  }
}

async function pathsToSettle(
  name: string | undefined,
  { options, terminal }: { options: GlobalOptions & SettleFlags; terminal: Terminal },
): Promise<StatePaths> {
  if (options.stateDirectory !== undefined) return statePathsIn(String(options.stateDirectory));
  const config = await configFor(options, terminal, name);
  return pathsOf(config, targetNamed(config, name));
}

/** By its state directory alone, as systemd calls it: the ledger holds all that the configuration held. */
async function placeToSettle(
  name: string | undefined,
  { options, terminal }: { options: GlobalOptions & SettleFlags; terminal: Terminal },
): Promise<CommandPlace | null> {
  if (options.stateDirectory === undefined) return placeFor(name, options, terminal, { log: true });
  const directory = String(options.stateDirectory);
  // A ledger names files that root may read, and its owner may not.
  await workAsOwner([directory], terminal.env);
  const left = await targetLeftBehind(directory);
  if (!left) return null;
  const { config, target, paths } = left;
  return placeOf(config, target, { options, terminal, paths, log: true, source: 'ledger' });
}
