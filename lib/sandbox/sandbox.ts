import { randomUUID } from 'node:crypto';
import { access } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { CutoverError, messageOf } from '../base/errors.ts';
import { type Command, type ExecOptions, type ExecResult, exec, type StartedProcess, start } from '../base/exec.ts';
import { poll, withDeadline } from '../base/wait.ts';
import { bootScript, joinScript } from './boot-script.ts';
import { type CgroupMount, makeCgroups, removeCgroups } from './cgroups.ts';
import { lastingDisk, passingDisk } from './disk-life.ts';
import { pathOnDisk, prepareDisk } from './disk.ts';
import { childOf, commandInside, type InsideOptions, startInside } from './inside.ts';
import { missingForSandbox } from './requirements.ts';
import { SomethingLeft } from './something-left.ts';

/** A folder or file of the host that is visible inside. */
export interface Bind {
  from: string;
  /** must exist, or lie in a folder that the sandbox replaces (/etc, /srv, /var/lib, /var/log, /run, /tmp …) */
  to: string;
  readonly?: boolean;
}

export interface SandboxOptions {
  /** holds what survives a power cut; without it a folder is made, and removed at the end */
  disk?: string;
  binds?: readonly Bind[];
  /** an aborted signal ends the boot, not a sandbox that is up */
  signal?: AbortSignal;
  /** how long the boot may take, units of the disk's own included; default 60 s */
  timeoutMs?: number;
}

/** A machine of its own as far as systemd can tell: processes, mounts, network and cgroups. */
export interface Sandbox {
  readonly disk: string;
  /** the number by which the host knows its system manager */
  readonly pid: number;
  /** what `systemctl is-system-running` said after the boot: `running`, or `degraded` when a unit failed */
  readonly state: string;
  /** Runs a command inside to its end. */
  exec(command: Command, options?: Partial<ExecOptions>): Promise<ExecResult>;
  /** Starts a command inside; it ends with the sandbox at the latest. */
  spawn(command: Command, options?: InsideOptions & { signal?: AbortSignal }): Promise<StartedProcess>;
  /** The host's name of a file inside, also after a power cut when it lies on the disk. Absolute links do not lead there. */
  hostPath(inside: string): string;
  /** Kills everything at once; booting again over the same disk is the machine coming back. */
  powerCut(): Promise<void>;
  /** A power cut; removes the disk if it was made here. Safe to repeat. */
  end(): Promise<void>;
}

/**
 * Boots a system manager in namespaces of its own and waits until its boot is over.
 * It is killed by the kernel when this process dies.
 * @throws `sandbox` when the machine lacks something or the boot fails, `timeout`
 */
export async function bootSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const missing = await missingForSandbox();
  if (missing) throw missing;
  const { disk, remove } = options.disk === undefined ? await passingDisk() : await lastingDisk(options.disk);
  try {
    await prepareDisk(disk);
    const { pid, state, powerCut } = await powerOn(disk, options);
    const end = (): Promise<void> => powerCut().then(remove);
    return { disk, pid, state, powerCut, end, ...accessTo(disk, pid) };
  } catch (error) {
    await remove();
    throw error;
  }
}

function accessTo(disk: string, pid: number): Pick<Sandbox, 'exec' | 'spawn' | 'hostPath'> {
  return {
    exec: (command, { cwd, env, ...rest } = {}) =>
      exec(commandInside(pid, command, { cwd, env }), { timeoutMs: 30_000, ...rest }),
    spawn: (command, options) => startInside(pid, command, options),
    hostPath: (inside) => pathOnDisk(disk, inside) ?? `/proc/${pid}/root${inside}`,
  };
}

async function powerOn(disk: string, { binds = [], signal, timeoutMs = 60_000 }: SandboxOptions) {
  const cgroups = await makeCgroups();
  const unshared = await start(bootCommand(disk, cgroups, binds)).catch(async (error: unknown) => {
    await removeCgroups(cgroups);
    throw error;
  });
  let pid: number | undefined;
  const cut = once(() => killAndClean(unshared, pid, cgroups));
  try {
    return await withDeadline({ what: 'the sandbox did not boot', timeoutMs, signal }, async (ended) => {
      pid = await firstNumber(unshared);
      const state = await bootState(pid, ended);
      return { pid, state, powerCut: cut };
    });
  } catch (error) {
    await cut();
    throw error;
  }
}

function bootCommand(disk: string, cgroups: readonly CgroupMount[], binds: readonly Bind[]): Command {
  const bindArguments = binds.flatMap(({ from, to, readonly }) => [from, to, readonly ? 'ro' : 'rw']);
  const cgroupArguments = cgroups.flatMap(({ type, options, folder }) => [type, options, folder]);
  const unshare = ['unshare', '--fork', '--pid', '--mount', '--uts', '--ipc', '--cgroup', '--net', '--kill-child'];
  const boot = ['bash', '-c', bootScript, 'cutover-sandbox', disk, randomUUID(), String(cgroups.length)];
  const join = ['bash', '-c', joinScript, 'cutover-sandbox', ...cgroups.map(({ group }) => group), '--'];
  // unshare ignores SIGTERM and SIGINT and would outlive a killed caller.
  return ['setpriv', '--pdeathsig', 'KILL', '--', ...join, ...unshare, ...boot, ...cgroupArguments, ...bindArguments];
}

/** The boot script prints the manager's number just before it becomes the manager. */
async function firstNumber({ stdout, stderr, ended }: StartedProcess): Promise<number> {
  const said = textOf(stderr);
  const number = new Promise<number>((resolve) => {
    stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString())));
  });
  const failed = ended.then(async () => {
    throw new CutoverError('sandbox', `the sandbox cannot be set up: ${(await said).trim()}`, {
      mend: 'run as root, in a container with --privileged if in one at all',
    });
  });
  return Promise.race([number, failed]);
}

async function textOf(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

async function bootState(pid: number, signal: AbortSignal): Promise<string> {
  // systemctl waits for the end of the boot by signal, but it needs the manager's socket first.
  await poll({ everyMs: 5, signal }, () =>
    access(`/proc/${pid}/root/run/systemd/private`).then(
      () => true,
      () => undefined,
    ),
  );
  const command = commandInside(pid, ['systemctl', 'is-system-running', '--wait']);
  let left = 20;
  const { stdout, stderr } = await poll({ everyMs: 50, signal }, async () => {
    const asked = await exec(command, { timeoutMs: 600_000, signal });
    // The socket has its name a moment before anybody listens on it.
    return asked.stdout === '' && (left -= 1) >= 0 ? undefined : asked;
  });
  const state = stdout.trim();
  if (state === 'running' || state === 'degraded') return state;
  throw new CutoverError('sandbox', `the sandbox's systemd is not up: ${state || stderr.trim()}`, {
    mend: 'boot over a disk of your own and read it: journalctl --directory DISK/log/journal',
  });
}

async function killAndClean(
  unshared: StartedProcess,
  pid: number | undefined,
  cgroups: readonly CgroupMount[],
): Promise<void> {
  // Once the manager is gone the kernel has ended all of its namespace, and unshare ends with it.
  if (pid !== undefined && childOf(unshared.pid) === pid) process.kill(pid, 'SIGKILL');
  else unshared.kill('SIGKILL');
  await unshared.ended;
  await removeCgroups(cgroups).catch((error: unknown) => {
    throw new SomethingLeft(messageOf(error), { mend: 'ps ax | grep systemd', cause: error });
  });
}

function once(work: () => Promise<void>): () => Promise<void> {
  let result: Promise<void> | undefined;
  return () => (result ??= work());
}
