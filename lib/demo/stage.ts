import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CutoverError } from '../base/errors.ts';
import type { Command, ExecResult } from '../base/exec.ts';
import { readIfThere } from '../base/files.ts';
import { poll, withDeadline } from '../base/wait.ts';
import { buildIdFor } from '../builds/layout.ts';
import { unitPathText } from '../systemd/unit-text.ts';
import { type DemoBuild, strangerLetter } from './acts.ts';
import type { Ground } from './ground.ts';
import { configFile } from './run-inside.ts';
import { serviceSource, strangerSource } from './service-source.ts';
import { type Side, sideConfigs, sidesOn, sideUnits } from './sides.ts';

const builds = '/srv/shop/builds';
const strangerProgram = '/srv/other-app/server.mjs';
const readyFile = '/run/other-app.ready';

/** The machine on which the demo happens. */
export interface Stage {
  ground: Ground;
  /** the two services of the last act */
  sides: readonly Side[];
  /** Puts a build beside the others, or into other builds directories. @returns its id */
  addBuild(build: DemoBuild, folders?: readonly string[]): Promise<string>;
  /** Starts the process that will take the port as soon as nobody has it. */
  bringStranger(): Promise<void>;
  removeStranger(): Promise<void>;
  isStrangerAlive(): Promise<boolean>;
}

/** Puts units and a configuration in place; when that fails, the ground is ended. Otherwise the caller ends it. */
export async function setStage(ground: Ground, signal: AbortSignal): Promise<Stage> {
  const sides = sidesOn(ground);
  try {
    for (const [name, text] of [[ground.unit('shop.service'), unitText(ground)] as const, ...sideUnits(sides)])
      await put(ground, `${ground.unitDirectory}/${name}`, text);
    await put(ground, ground.place(configFile), configText(ground, sides));
    await put(ground, ground.place(strangerProgram), strangerSource);
    for (const folder of [ground.place(builds), ...sides.map((side) => side.builds)])
      await mkdir(ground.hostPath(folder), { recursive: true });
    await runIn(ground, ground.systemctl('daemon-reload'));
  } catch (error) {
    await ground.end();
    throw error;
  }
  let made = 0;
  const stranger = ground.unit('other-app.service');
  return {
    ground,
    sides,
    addBuild: (build, folders = [ground.place(builds)]) => addBuild(ground, build, { at: madeAt(made++), folders }),
    bringStranger: () => bringStranger(ground, signal),
    removeStranger: async () => void (await runIn(ground, ground.systemctl('stop', stranger))),
    isStrangerAlive: async () => (await ground.exec(ground.systemctl('is-active', '--quiet', stranger))).code === 0,
  };
}

/** Writes a file where the demo happens. */
export async function put(ground: Ground, path: string, text: string): Promise<void> {
  const onHost = ground.hostPath(path);
  await mkdir(dirname(onHost), { recursive: true });
  await writeFile(onHost, text);
}

/** A minute apart, as if somebody had worked between them. */
function madeAt(number: number): Date {
  return new Date(Date.now() - (10 - number) * 60_000);
}

async function addBuild(
  ground: Ground,
  { letter, fault, startMs }: DemoBuild,
  { at, folders }: { at: Date; folders: readonly string[] },
): Promise<string> {
  const id = buildIdFor(at);
  for (const folder of folders) {
    await put(ground, `${folder}/${id}/server.mjs`, serviceSource);
    await put(ground, `${folder}/${id}/build.json`, JSON.stringify({ letter, fault, startMs }));
  }
  return id;
}

async function bringStranger(ground: Ground, signal: AbortSignal): Promise<void> {
  const [program, ready] = [ground.place(strangerProgram), ground.place(readyFile)];
  await mkdir(dirname(ground.hostPath(ready)), { recursive: true });
  const words = [process.execPath, program, String(ground.ports[0]), strangerLetter, ready];
  const unit = `--unit=${ground.unit('other-app.service')}`;
  await runIn(ground, [...ground.asUnit, '--quiet', '--collect', unit, ...words]);
  await withDeadline({ what: 'the stranger did not start', timeoutMs: 10_000, signal }, (ended) =>
    poll({ everyMs: 5, signal: ended }, async () => (await readIfThere(ground.hostPath(ready))) ?? undefined),
  );
}

/** Runs what must work there. @throws `sandbox` with what it said */
export async function runIn(ground: Ground, command: Command): Promise<ExecResult> {
  const result = await ground.exec(command);
  if (result.code === 0) return result;
  throw new CutoverError('sandbox', `${command.join(' ')} failed in the demo: ${result.stderr.trim()}`);
}

function unitText({ place, ports }: Ground): string {
  return `[Unit]
Description=The shop of the demo

[Service]
WorkingDirectory=${unitPathText(place(builds))}/current
ExecStart=${process.execPath} server.mjs
Environment=PORT=${ports[0]}
Restart=on-failure
RestartSec=2s
`;
}

/** The limits ask nothing of the machine that the demo happens to run on. */
function configText({ head, place, unit, ports }: Ground, sides: readonly Side[]): string {
  return `${head}
[targets.production]
unit = "${unit('shop.service')}"
builds = ${JSON.stringify(place(builds))}
port = ${ports[0]}

[targets.production.health]
url = "http://127.0.0.1:${ports[0]}/health"
${sideConfigs(sides)}
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
