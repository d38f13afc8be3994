import type { Command } from '../base/exec.ts';
import { variantMaker } from './bus.ts';
import type { JobOptions, JobResult } from './jobs.ts';
import type { Systemd } from './systemd.ts';
import { transientArgument } from './unit-text.ts';

/** A command, the name of its unit and what the journal says of it. */
export interface Oneshot {
  unit: string;
  command: Command;
  description: string;
  environment: Record<string, string>;
}

/** From SIGTERM to SIGKILL: what it does may have to be taken back. */
const stopUsec = 10n * 60n * 1_000_000n;

/**
 * Runs a command as a transient service of type oneshot, to its end: the job is done when the command is. It is no child
 * of this process and outlives it; systemd forgets it once it has ended.
 * @throws `permission`; `unit_exists` when one of that name is there; `timeout`; the signal's reason
 */
export async function startTransientOneshot(
  systemd: Systemd,
  { unit, command, description, environment }: Oneshot,
  options: JobOptions,
): Promise<JobResult> {
  const variant = await variantMaker();
  const [file, ...args] = command;
  const assignments = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const properties = [
    ['Description', variant('s', `cutover ${description}`)],
    ['Type', variant('s', 'oneshot')],
    ['CollectMode', variant('s', 'inactive-or-failed')],
    ['TimeoutStopUSec', variant('t', stopUsec)],
    ['Environment', variant('as', assignments)],
    ['ExecStart', variant('a(sasb)', [[file, [file, ...args.map(transientArgument)], false]])],
  ];
  return systemd.startTransient(unit, properties, [], options);
}
