import { basename, dirname } from 'node:path';
import type { Command } from '../base/exec.ts';
import { type Bind, bootSandbox, type Sandbox } from '../sandbox/sandbox.ts';

/** Where the demo happens: a throw-away systemd or, without root, the manager that the user has. */
export interface Ground extends Pick<Sandbox, 'exec' | 'spawn' | 'hostPath' | 'end'> {
  /** a part of the names of what cutover starts, so that nobody else's is taken for it */
  app: string;
  /** of the service, and of the two services of the last act */
  ports: readonly number[];
  /** the first lines of the configuration */
  head: string;
  unitDirectory: string;
  /** where cutover keeps its state */
  state: string;
  /** before a program that must not be late on a busy machine */
  first: readonly string[];
  /** before a program that is to be a unit of its own */
  asUnit: Command;
  /** A file of the demo, as the programs in it name it. */
  place: (path: string) => string;
  /** What a unit is called there. */
  unit: (name: string) => string;
  systemctl: (...words: string[]) => Command;
  /** what it is, in a sentence */
  tells: (took: string) => string;
  /** what is true of it after the end, in a sentence */
  gone: string;
}

/**
 * Boots a throw-away systemd. The caller ends it.
 * @param product the folder or the file of the command line that is to run inside
 * @throws `sandbox` saying what the machine lacks
 */
export async function sandboxGround({ product, signal }: { product: string; signal: AbortSignal }): Promise<Ground> {
  const sandbox = await bootSandbox({ binds: hiddenFolders([product, installFolder(process.execPath)]), signal });
  return {
    ...sandbox,
    app: 'shop',
    ports: [9000, 9001, 9002],
    head: 'app = "shop"\n',
    unitDirectory: '/etc/systemd/system',
    state: '/var/lib/cutover',
    first: ['nice', '-n', '-15'],
    asUnit: ['systemd-run', '--nice=-15'],
    place: (path) => path,
    unit: (name) => name,
    systemctl: (...words) => ['systemctl', ...words],
    tells: (took) => `A throw-away systemd has booted in ${took}. In it`,
    gone: 'The throw-away systemd is gone, and nothing of it is left.',
  };
}

/** A program's libraries may lie beside its `bin`. */
function installFolder(program: string): string {
  const folder = dirname(program);
  return basename(folder) === 'bin' ? dirname(folder) : folder;
}

const hidden = /^\/(srv|tmp|run|etc|dev|var\/(lib|log|tmp|backups))\//;

/** What lies where the sandbox has folders of its own would not be seen inside. */
function hiddenFolders(folders: readonly string[]): Bind[] {
  return [...new Set(folders)]
    .filter((path) => hidden.test(`${path}/`))
    .map((path) => ({ from: path, to: path, readonly: true }));
}
