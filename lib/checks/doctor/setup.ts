import { commandProperties, commandsFrom } from '../../systemd/commands.ts';
import { amount, ownDirectorySettings, textOf } from '../../systemd/facts.ts';
import type { Systemd } from '../../systemd/systemd.ts';
import type { Setup } from './patient.ts';

/** Gives a property; null where this systemd is too old to know it. */
export type Ask = (kind: Parameters<Systemd['property']>[1], name: string) => Promise<unknown>;

/** Reads what the main unit says of itself besides its facts. */
export async function setupOf(ask: Ask): Promise<Setup> {
  const [commands, places, killMode, sendsKill, delay, upheldBy, start, stop, action] = await Promise.all([
    commandsOf(ask),
    placesOf(ask),
    ask('Service', 'KillMode'),
    ask('Service', 'SendSIGKILL'),
    ask('Service', 'RestartUSec'),
    ask('Unit', 'UpheldBy'),
    ask('Unit', 'RefuseManualStart'),
    ask('Unit', 'RefuseManualStop'),
    ask('Unit', 'StartLimitAction'),
  ]);
  return {
    killMode: textOf(killMode),
    sendsKill: sendsKill !== false,
    restartDelayMs: (amount(delay) ?? Number.POSITIVE_INFINITY) / 1000,
    commands,
    ...places,
    upheldBy: listOf(upheldBy),
    refusesStart: start === true,
    refusesStop: stop === true,
    startLimitAction: textOf(action) || 'none',
  };
}

async function commandsOf(ask: Ask): Promise<Setup['commands']> {
  const settings = ['ExecStart', 'ExecStartPre', 'ExecReload'];
  const found = settings.map(async (setting) => {
    const [more, less] = await Promise.all(commandProperties(setting).map((name) => ask('Service', name)));
    return commandsFrom(more ?? less).map((command) => ({ setting, ...command }));
  });
  return (await Promise.all(found)).flat();
}

async function placesOf(
  ask: Ask,
): Promise<Pick<Setup, 'environment' | 'environmentFiles' | 'roots' | 'ownDirectories'>> {
  const names = ['Environment', 'EnvironmentFiles', 'RootDirectory', 'RootImage'];
  const [environment, files, ...roots] = await Promise.all(names.map((name) => ask('Service', name)));
  const environmentFiles = ((files as [string, boolean][] | null) ?? []).map(([path]) => path);
  const own = await Promise.all(ownDirectorySettings.map((name) => ask('Service', name)));
  return {
    environment: listOf(environment),
    environmentFiles,
    roots: roots.map(textOf).filter(Boolean),
    ownDirectories: own.flatMap(listOf),
  };
}

/** A list from the bus; empty for what is not there. */
export function listOf(value: unknown): string[] {
  return (value as string[] | null) ?? [];
}
