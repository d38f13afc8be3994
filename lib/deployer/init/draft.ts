import { formatDuration, formatSize } from '../../config/quantities.ts';
import type { Draft, Known } from '../../config/template.ts';
import type { UnitFacts } from '../../systemd/facts.ts';
import { type FoundHealth, usualPaths } from './health.ts';
import type { FoundBuilds } from './layout.ts';
import type { ChosenPorts } from './port.ts';
import type { SeenUnit } from './unit.ts';

/** What the person said; everything else is found or guessed. */
export interface Said {
  target?: string | undefined;
  app?: string | undefined;
  builds?: string | undefined;
  /** an empty list: the unit listens nowhere */
  ports?: number[] | undefined;
  url?: string | undefined;
  /** it has no address that tells whether it is healthy: none is looked for */
  hasNoUrl?: boolean;
}

export interface Findings {
  unit: SeenUnit;
  names: { app: string; target: string };
  builds: FoundBuilds;
  ports: ChosenPorts;
  /** what answered; null: nothing did, or nothing was asked */
  health: FoundHealth | null;
}

/** systemd's own `DefaultTimeoutStopSec=`: nobody chose that for this unit. */
const unchosenStopMs = 90_000;
const ourStopMs = 30_000;
/** So much longer than systemd we wait, that it is systemd who ends the service. */
const marginMs = 5_000;

/** What goes into the file, each with how it came to be known. */
export function draftOf(found: Findings, said: Said, manager: 'system' | 'user'): Draft {
  const { unit, names, builds, ports } = found;
  const guessedName = `guessed from the name of ${unit.facts.unit}`;
  const known: Record<string, Known> = {
    app: { value: names.app, ...(said.app === undefined ? { note: guessedName } : {}) },
    ...(manager === 'user' ? { manager: { value: manager } } : {}),
    'targets.NAME.unit': { value: unit.facts.unit },
    'targets.NAME.builds': { value: said.builds ?? builds.builds, ...buildsNote(builds, said) },
    ...(unit.socket ? { 'targets.NAME.strategy': { value: 'socket', note: `${unit.socket} holds the port` } } : {}),
    ...portKnown(ports),
    'targets.NAME.stop.timeout': stopKnown(unit.facts),
    ...healthKnown(found, said),
    ...memoryKnown(unit.facts),
  };
  return { target: names.target, known };
}

function buildsNote({ from }: FoundBuilds, said: Said): Known {
  return said.builds !== undefined || from === null ? {} : { note: `guessed from ${from} of the unit` };
}

function portKnown({ ports, isGuessed }: ChosenPorts): Record<string, Known> {
  if (ports.length === 0) return { 'targets.NAME.port': { note: 'the unit listens nowhere' } };
  const note = isGuessed ? { note: 'guessed: the unit listens there now' } : {};
  return { 'targets.NAME.port': { value: ports.length === 1 ? ports[0] : ports, ...note } };
}

/** Our own deadline must not cut short the time that somebody gave the service to end its work. */
function stopKnown({ stopTimeoutMs: ms }: UnitFacts): Known {
  if (!Number.isFinite(ms)) return { note: "the unit's own TimeoutStopSec= is infinity; after this time it is killed" };
  const own = `the unit's own TimeoutStopSec= is ${formatDuration(ms)}`;
  if (ms <= ourStopMs - marginMs) return { note: own };
  if (ms === unchosenStopMs) return { note: `${own}, as systemd has it for all; after this time it is killed` };
  return { value: formatDuration(ms + marginMs), note: `guessed: ${own}` };
}

function healthKnown({ builds, unit, health, ports }: Findings, said: Said): Record<string, Known> {
  const known: Record<string, Known> = {};
  const know = (key: string, one: Known): void => void (known[`targets.NAME.health.${key}`] = one);
  const url = said.url ?? health?.url;
  if (url === undefined) {
    const note = said.hasNoUrl
      ? 'none was named'
      : unit.isRunning
        ? `none of ${usualPaths.join(' ')} answered 2xx`
        : 'not asked: the unit was not running';
    know('url', { note, example: `http://127.0.0.1:${ports.ports[0] ?? 9000}/health` });
  } else know('url', { value: url, ...(said.url ? {} : { note: `guessed: answers ${health?.status} now` }) });
  if (health && health.status !== 200) know('status', { value: health.status, note: 'guessed: what it answers now' });
  if (health?.says) know('json', { example: { status: health.says }, note: 'what it answers now' });
  const note = `guessed: its process runs elsewhere; with WorkingDirectory=${builds.builds}/current in the unit, remove this line`;
  if (!builds.isProvable) know('identity', { value: false, note });
  return known;
}

function memoryKnown({ memoryMaxBytes: bytes }: UnitFacts): Record<string, Known> {
  if (bytes === null) return {};
  const share = formatSize(Math.floor(bytes * 0.9));
  return {
    'targets.NAME.limits.memory': { note: `without it: 90 % of the unit's MemoryMax=${formatSize(bytes)}, ${share}` },
  };
}
