import { formatDuration } from '../../../config/quantities.ts';
import type { TargetConfig } from '../../../config/model.ts';
import { amount, textOf } from '../../../systemd/facts.ts';
import type { Systemd } from '../../../systemd/systemd.ts';
import { mark } from './our-units.ts';

/** Without a start limit, this pause alone keeps a crash loop from eating a processor (units/socket/app.service). */
const leastPauseMs = 500;
/** systemd's own `DefaultTimeoutStopSec=`, which nobody chose for this unit */
const unchosenStopMs = 90_000;

/** What decides which further lines a service behind a socket needs. */
export interface ServiceSettings {
  type: string;
  killMode: string;
  restart: string;
  restartPauseMs: number;
  stopTimeoutMs: number;
  /** `RuntimeDirectoryPreserve=`, where it has a directory below /run; null: it has none */
  runtimeDirectory: string | null;
}

/** Reads them of a loaded unit. */
export async function readSettings(systemd: Pick<Systemd, 'property'>, unit: string): Promise<ServiceSettings> {
  const names = ['Type', 'KillMode', 'Restart', 'RestartUSec', 'TimeoutStopUSec'];
  const ask = (name: string): Promise<unknown> => systemd.property(unit, 'Service', name);
  const [type, killMode, restart, pause, stop] = await Promise.all(names.map(ask));
  const [directories, preserve] = await Promise.all(['RuntimeDirectory', 'RuntimeDirectoryPreserve'].map(ask));
  return {
    type: textOf(type),
    killMode: textOf(killMode),
    restart: textOf(restart),
    restartPauseMs: msOf(pause),
    stopTimeoutMs: msOf(stop),
    runtimeDirectory: (directories as string[]).length > 0 ? textOf(preserve) : null,
  };
}

/** Milliseconds of a time on the bus. */
function msOf(value: unknown): number {
  return (amount(value) ?? Number.POSITIVE_INFINITY) / 1000;
}

/**
 * The lines that put a service behind its socket. What systemd answers for a unit already has the lines of an earlier
 * text of ours in it: those stay.
 * @param earlier the text that is there now
 */
export function dropInText(
  { target, socket, hasStandIn }: { target: TargetConfig; socket: string; hasStandIn: boolean },
  settings: ServiceSettings,
  earlier: string | null,
): string {
  const kept = new Map((earlier ?? '').split('\n').map((line) => [line.slice(0, line.indexOf('=')), line]));
  const further = furtherLines(target, settings, hasStandIn).flatMap(({ line, when }) => {
    const same = kept.get(line.slice(0, line.indexOf('=')));
    return when ? [line] : same === undefined ? [] : [same];
  });
  return `${[
    mark,
    '[Unit]',
    `Requires=${socket}`,
    `After=${socket}`,
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    `Sockets=${socket}`,
    'NonBlocking=yes',
    ...further,
  ].join('\n')}\n`;
}

/**
 * The lines with which one restart of the service also closes its socket: systemd does both in one transaction, which
 * goes to its end when this process dies.
 */
export function leavingText(socket: string): string {
  return `${[mark, '[Unit]', `Conflicts=${socket}`, `After=${socket}`].join('\n')}\n`;
}

/** What the doctor would find in it otherwise. */
function furtherLines(
  { stopTimeoutMs }: TargetConfig,
  settings: ServiceSettings,
  hasStandIn: boolean,
): { line: string; when: boolean }[] {
  const isUnchosen = settings.stopTimeoutMs === unchosenStopMs && unchosenStopMs > stopTimeoutMs;
  const isHasty = settings.restart !== 'no' && settings.restartPauseMs < leastPauseMs;
  const leavesProcesses = ['process', 'none'].includes(settings.killMode);
  const lines = [
    { line: 'Type=exec', when: settings.type === 'simple' },
    { line: 'KillMode=mixed', when: leavesProcesses },
    { line: `TimeoutStopSec=${formatDuration(stopTimeoutMs)}`, when: isUnchosen },
    { line: `RestartSec=${leastPauseMs}ms`, when: isHasty },
  ];
  // The stand-in has the same directory, and uses it while the service restarts.
  const staying = { line: 'RuntimeDirectoryPreserve=restart', when: settings.runtimeDirectory === 'no' };
  return hasStandIn ? [...lines, staying] : lines;
}
