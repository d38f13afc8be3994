import { join } from 'node:path';
import { formatDuration } from '../../../config/quantities.ts';
import type { Config, TargetConfig } from '../../../config/model.ts';
import { tomlKey } from '../../../config/toml.ts';
import { instanceName, unitWord } from '../../../systemd/unit-text.ts';
import { dropIn, type InstallFile, mark, shippedUnit, type UnitPlaces } from './unit-files.ts';

/** How often the shipped timer asks whether a pass is due. */
const askedEveryMs = 60_000;

/** The timer that has a target looked after. */
export function monitorTimer(app: string, target: string): string {
  return `cutover-monitor@${instanceName(app, target)}.timer`;
}

/** The files of the monitor: its two templates, and for each target the lines that name its configuration. */
export function monitorFiles(config: Config, targets: readonly TargetConfig[], places: UnitPlaces): InstallFile[] {
  const watched = targets.filter(({ monitor }) => monitor !== null);
  if (watched.length === 0) return [];
  const names = ['cutover-monitor@.service', 'cutover-monitor@.timer'];
  const templates = names.map((name) => shippedUnit(name, config.manager, places));
  return [...templates, ...watched.flatMap((target) => linesBeside(config, target, places))];
}

/**
 * What is left to do where nothing is looked after between deploys. To look after some targets and not others is a choice.
 * @param install the command that puts the timer in place
 */
export function monitorNote(targets: readonly TargetConfig[], file: string, install: string): string | null {
  const [first] = targets;
  if (first === undefined || targets.some(({ monitor }) => monitor !== null)) return null;
  const table = `[targets.${tomlKey(first.name)}.monitor]`;
  return `nothing is looked after between deploys; for a timer that does, write ${table} into ${file}, then again: ${install}`;
}

function linesBeside(config: Config, { name, monitor }: TargetConfig, { unitDirectory }: UnitPlaces): InstallFile[] {
  const timer = monitorTimer(config.app, name);
  const beside = (unit: string, lines: string[]): InstallFile => {
    const text = `${[mark, ...lines].join('\n')}\n`;
    return { path: join(unitDirectory, `${unit}.d`, dropIn), text, mode: 0o644, known: [], isNeeded: true };
  };
  const service = beside(timer.replace(/timer$/, 'service'), configurationLines(config));
  const everyMs = monitor?.everyMs ?? askedEveryMs;
  if (everyMs >= askedEveryMs) return [service];
  return [service, beside(timer, oftener(everyMs))];
}

/** systemd starts it in / and with no environment of a person: the configuration has to be named. */
export function configurationLines({ file }: Pick<Config, 'file'>): string[] {
  return file === null ? [] : ['[Service]', `Environment=${unitWord(`CUTOVER_CONFIG=${file}`)}`];
}

/** The shipped timer asks every minute, and is in no hurry. An empty assignment takes back all that it says. */
function oftener(everyMs: number): string[] {
  const every = formatDuration(everyMs);
  const times = [`OnActiveSec=${every}`, `OnUnitInactiveSec=${every}`];
  return ['[Timer]', 'OnActiveSec=', ...times, 'RandomizedDelaySec=0', 'AccuracySec=500ms'];
}
