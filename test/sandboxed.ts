import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command, ExecOptions, ExecResult, StartedProcess } from '../lib/base/exec.ts';
import type { InsideOptions } from '../lib/sandbox/inside.ts';
import { type Bind, bootSandbox, type Sandbox } from '../lib/sandbox/sandbox.ts';
import { patient } from './patient.ts';
import { atEnd } from './suite.ts';

export const repository = dirname(dirname(fileURLToPath(import.meta.url)));

/** The sandbox of a test file. */
export interface TestSandbox extends Omit<Sandbox, 'end'> {
  /** Runs a command and fails the test unless it exits with 0; gives what it printed. */
  run(...command: [string, ...string[]]): Promise<string>;
  /** Runs the built command line inside to its end. */
  cutover(args: readonly string[], options?: Partial<ExecOptions>): Promise<ExecResult>;
  /** Starts the built command line inside, for a test that signals or kills it. */
  startCutover(args: readonly string[], options?: InsideOptions): Promise<StartedProcess>;
  /** A power cut, then a boot over the same disk; this object then speaks to the new boot. */
  reboot(): Promise<void>;
}

/** What a test has done inside is quick, unless the machine stands still for a while. */
const commandTimeoutMs = patient(30_000);
/** The units that are enabled come up with it. */
const bootTimeoutMs = patient(60_000);

let shared: Promise<TestSandbox> | undefined;

/**
 * The one sandbox that the tests of this file share: booted by the first that asks, ended after the last.
 * A machine that cannot run it fails the test with what it lacks.
 */
export function sandboxFor(): Promise<TestSandbox> {
  shared ??= bootForTests();
  return shared;
}

/** A sandbox for one test alone, or a second machine; the file's end ends it if the test did not. */
export async function bootForTests(disk?: string): Promise<TestSandbox> {
  const binds = neededBinds();
  const first = await bootSandbox({ disk, binds, timeoutMs: bootTimeoutMs });
  let sandbox = first;
  atEnd(async () => {
    await sandbox.end();
    // The disk is of the first boot.
    await first.end();
  });
  const exec: Sandbox['exec'] = (command, options) =>
    sandbox.exec(command, { timeoutMs: commandTimeoutMs, ...options });
  return {
    get disk() {
      return sandbox.disk;
    },
    get pid() {
      return sandbox.pid;
    },
    get state() {
      return sandbox.state;
    },
    exec,
    spawn: (command, options) => sandbox.spawn(command, options),
    hostPath: (inside) => sandbox.hostPath(inside),
    powerCut: () => sandbox.powerCut(),
    cutover: (args, options) => sandbox.exec(cutoverCommand(args), { timeoutMs: 120_000, ...options }),
    startCutover: (args, options) => sandbox.spawn(cutoverCommand(args), options),
    async run(...command) {
      const result = await exec(command);
      if (result.code === 0) return result.stdout;
      throw new Error(`${command.join(' ')} exited with ${result.code}: ${result.stderr}${result.stdout}`);
    },
    async reboot() {
      await sandbox.powerCut();
      sandbox = await bootSandbox({ disk: first.disk, binds, timeoutMs: bootTimeoutMs });
      atEnd(() => sandbox.powerCut());
    },
  };
}

function cutoverCommand(args: readonly string[]): Command {
  return [process.execPath, join(repository, 'bin/cutover.js'), ...args];
}

/** The repository and node may lie in folders that the sandbox replaces, such as /tmp or /srv. */
function neededBinds(): Bind[] {
  const installed = dirname(dirname(process.execPath));
  // Read-only, but for the compiled code that a command keeps: without it each would start much more slowly than for a user.
  const compiled = join(repository, 'dist/compiled');
  mkdirSync(compiled, { recursive: true });
  const own: Bind[] = [
    { from: repository, to: repository, readonly: true },
    { from: compiled, to: compiled },
  ];
  const binds = [...own, sharedFolder()];
  if (/^\/(srv|tmp|run|etc|var\/(lib|log|tmp|backups))\//.test(`${installed}/`)) {
    binds.push({ from: installed, to: installed, readonly: true });
  }
  return binds;
}

/** What `cutover init --install` puts there must not land on the host. */
function sharedFolder(): Bind {
  const from = mkdtempSync(join(tmpdir(), 'cutover-share-'));
  chmodSync(from, 0o755);
  atEnd(() => rmSync(from, { recursive: true, force: true }));
  return { from, to: '/usr/local/share' };
}
