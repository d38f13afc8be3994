import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { CutoverError } from '../base/errors.ts';
import type { Command, ExecResult } from '../base/exec.ts';
import { readIfThere } from '../base/files.ts';
import { poll, withDeadline } from '../base/wait.ts';
import { buildIdFor } from '../builds/layout.ts';
import { type Bind, bootSandbox, type Sandbox } from '../sandbox/sandbox.ts';
import { type DemoBuild, strangerLetter } from './acts.ts';
import { serviceSource, strangerSource } from './service-source.ts';
import { sideConfigs, sideUnits, sides } from './sides.ts';

export const port = 9000;
const builds = '/srv/shop/builds';
const strangerUnit = 'other-app.service';
const readyFile = '/run/other-app.ready';

/** The machine on which the demo happens. */
export interface Stage {
  sandbox: Sandbox;
  /** Puts a build beside the others, or into other builds directories. @returns its id */
  addBuild(build: DemoBuild, folders?: readonly string[]): Promise<string>;
  /** Starts the process that will take the port as soon as nobody has it. */
  bringStranger(): Promise<void>;
  removeStranger(): Promise<void>;
  isStrangerAlive(): Promise<boolean>;
}

/**
 * Boots a throw-away systemd and puts a unit and a configuration into it. The caller ends its sandbox.
 * @param product the folder of the command line that is to run inside
 * @throws `sandbox` saying what the machine lacks
 */
export async function setStage({ product, signal }: { product: string; signal: AbortSignal }): Promise<Stage> {
  const sandbox = await bootSandbox({ binds: hiddenFolders([product, installFolder(process.execPath)]), signal });
  try {
    for (const [name, text] of [['shop.service', unitText()], ...sideUnits()] as const)
      await put(sandbox, `/etc/systemd/system/${name}`, text);
    await put(sandbox, '/etc/cutover/cutover.toml', configText());
    await put(sandbox, '/srv/other-app/server.mjs', strangerSource);
    for (const folder of [builds, ...sides.map((side) => side.builds)])
      await mkdir(sandbox.hostPath(folder), { recursive: true });
    await runIn(sandbox, ['systemctl', 'daemon-reload']);
  } catch (error) {
    await sandbox.end();
    throw error;
  }
  let made = 0;
  return {
    sandbox,
    addBuild: (build, folders = [builds]) => addBuild(sandbox, build, { at: madeAt(made++), folders }),
    bringStranger: () => bringStranger(sandbox, signal),
    removeStranger: async () => void (await runIn(sandbox, ['systemctl', 'stop', strangerUnit])),
    isStrangerAlive: async () => (await sandbox.exec(['systemctl', 'is-active', '--quiet', strangerUnit])).code === 0,
  };
}

/** Writes a file of the sandbox's disk. */
export async function put(sandbox: Sandbox, path: string, text: string): Promise<void> {
  const onHost = sandbox.hostPath(path);
  await mkdir(dirname(onHost), { recursive: true });
  await writeFile(onHost, text);
}

/** A minute apart, as if somebody had worked between them. */
function madeAt(number: number): Date {
  return new Date(Date.now() - (10 - number) * 60_000);
}

async function addBuild(
  sandbox: Sandbox,
  { letter, fault, startMs }: DemoBuild,
  { at, folders }: { at: Date; folders: readonly string[] },
): Promise<string> {
  const id = buildIdFor(at);
  for (const folder of folders) {
    await put(sandbox, `${folder}/${id}/server.mjs`, serviceSource);
    await put(sandbox, `${folder}/${id}/build.json`, JSON.stringify({ letter, fault, startMs }));
  }
  return id;
}

async function bringStranger(sandbox: Sandbox, signal: AbortSignal): Promise<void> {
  const program = [process.execPath, '/srv/other-app/server.mjs', String(port), strangerLetter, readyFile];
  await runIn(sandbox, ['systemd-run', '--quiet', '--collect', '--nice=-15', `--unit=${strangerUnit}`, ...program]);
  await withDeadline({ what: 'the stranger did not start', timeoutMs: 10_000, signal }, (ended) =>
    poll({ everyMs: 5, signal: ended }, async () => (await readIfThere(sandbox.hostPath(readyFile))) ?? undefined),
  );
}

/** Runs what must work inside. @throws `sandbox` with what it said */
export async function runIn(sandbox: Sandbox, command: Command): Promise<ExecResult> {
  const result = await sandbox.exec(command);
  if (result.code === 0) return result;
  throw new CutoverError('sandbox', `${command.join(' ')} failed in the sandbox: ${result.stderr.trim()}`);
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

function unitText(): string {
  return `[Unit]
Description=The shop of the demo

[Service]
WorkingDirectory=${builds}/current
ExecStart=${process.execPath} server.mjs
Environment=PORT=${port}
Restart=on-failure
RestartSec=2s
`;
}

/** The limits ask nothing of the machine that the demo happens to run on. */
function configText(): string {
  return `app = "shop"

[targets.production]
unit = "shop.service"
builds = "${builds}"
port = ${port}

[targets.production.health]
url = "http://127.0.0.1:${port}/health"
${sideConfigs()}
[defaults.start]
timeout = "10s"

[defaults.health]
attempts = 3
interval = "300ms"

[defaults.limits]
disk_used = "100%"
memory_available = "16M"
`;
}
