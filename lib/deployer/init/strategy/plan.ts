import { realpath } from 'node:fs/promises';
import { CutoverError } from '../../../base/errors.ts';
import type { StrategyName } from '../../../config/model.ts';
import { systemctl } from '../../../systemd/typed.ts';
import type { Place } from '../../place.ts';
import type { SeenUnit } from '../unit.ts';
import { type OurFile, type OurTexts, type OurUnits, readOurs, strategyOf } from './our-units.ts';
import { dropInText, readSettings } from './service-lines.ts';
import { listenLines, listenLinesIn, socketText } from './socket-unit.ts';
import { standInText } from './stand-in-unit.ts';
import { requireTwice } from './twice.ts';
import { isOwn, readSource } from './unit-source.ts';

/** A change of strategy as far as files go. */
export interface ChangePlan {
  units: OurUnits;
  /** by what is on the disk, whatever the configuration says */
  from: StrategyName;
  to: StrategyName;
  /** in the order in which they are written */
  files: OurFile[];
}

const fileMode = 0o644;

/**
 * Finds out what our files have to say for a strategy.
 * @throws `refused` where the unit does not lend itself to it, `permission`
 */
export async function planChange(
  place: Place,
  { seen, units, to }: { seen: SeenUnit; units: OurUnits; to: StrategyName },
): Promise<ChangePlan> {
  const ours = await readOurs(units);
  const from = strategyOf(ours);
  if (from === 'restart' && seen.socket !== null) throw foreignSocket(seen, seen.socket, to, place);
  const after = to === 'restart' ? nothing : await textsFor(place, { seen, units, to, ours });
  const { socketPath, templatePath, dropInPath } = units;
  const files: OurFile[] = [
    { path: socketPath, before: ours.socket, after: after.socket, mode: fileMode },
    { path: templatePath, before: ours.template, after: after.template, mode: after.templateMode },
    // The last: from it on, a restart of the service brings the socket along.
    { path: dropInPath, before: ours.dropIn, after: after.dropIn, mode: fileMode },
  ];
  return { units, from, to, files };
}

interface Texts {
  socket: string | null;
  template: string | null;
  templateMode: number;
  dropIn: string | null;
}

const nothing: Texts = { socket: null, template: null, templateMode: fileMode, dropIn: null };

/** A socket that is open already listens where it says itself. */
async function textsFor(
  place: Place,
  { seen, units, to, ours }: { seen: SeenUnit; units: OurUnits; to: StrategyName; ours: OurTexts },
): Promise<Texts> {
  const { unit } = seen.facts;
  const listening = ours.socket === null ? listeningOf(seen, place) : listenLinesIn(ours.socket);
  const socket = socketText(unit, listening);
  const hasStandIn = to === 'overlap';
  const settings = await readSettings(place.systemd, unit);
  const dropIn = dropInText({ target: place.target, socket: units.socket, hasStandIn }, settings, ours.dropIn);
  if (!hasStandIn) return { ...nothing, socket, dropIn };
  const { runtimeDirectory } = settings;
  const { text: template, mode: templateMode } = await standInOf(place, { seen, units, dropIn, runtimeDirectory });
  return { socket, template, templateMode, dropIn };
}

async function standInOf(
  { systemd, config, target }: Place,
  {
    seen: { facts },
    units,
    dropIn,
    runtimeDirectory,
  }: { seen: SeenUnit; units: OurUnits; dropIn: string; runtimeDirectory: string | null },
): Promise<{ text: string; mode: number }> {
  const isWanted = (path: string): boolean => isOwn(path, facts) && path !== units.dropInPath;
  const { texts, mode } = await readSource(systemd, facts, { manager: config.manager, isWanted });
  await requireTwice(systemd, facts, texts);
  const buildsPaths = [target.builds, await realpath(target.builds)];
  const original = { unit: facts.unit, buildsPaths, manager: config.manager, runtimeDirectory };
  return { text: standInText({ ...original, texts: [...texts, dropIn] }), mode };
}

/** What the service listens on now is what the socket has to listen on. @throws `refused`, `permission` */
function listeningOf({ facts, isRunning, isHidden, listeners }: SeenUnit, { target, config }: Place): string[] {
  const { unit } = facts;
  const { ports } = target;
  const missing = ports.find((port) => !listeners.some((listener) => listener.port === port));
  if (ports.length > 0 && missing === undefined) return listenLines(ports, listeners);
  if (ports.length === 0) {
    throw new CutoverError('refused', `${target.name} has no port, so there is nothing for a socket to hold`, {
      mend: `set targets.${target.name}.port in ${config.file ?? 'the configuration'}, and again`,
    });
  }
  if (isRunning && isHidden) {
    throw new CutoverError('permission', `where ${unit} listens cannot be seen by another user`, {
      mend: 'run with sudo',
    });
  }
  const what = isRunning ? `does not listen on port ${missing}` : `is not running (${facts.activeState})`;
  throw new CutoverError('refused', `${unit} ${what}, so the address for its socket cannot be seen`, {
    mend: `${systemctl(config.manager, `status ${unit}`)}; let it serve first, and again`,
  });
}

function foreignSocket({ facts }: SeenUnit, socket: string, to: StrategyName, place: Place): CutoverError {
  const { config, target } = place;
  const byHand =
    to === 'restart'
      ? `${systemctl(config.manager, `disable --now ${socket}`)}, then ${systemctl(config.manager, `restart ${facts.unit}`)}`
      : 'units/overlap of cutover has the files that it needs';
  return new CutoverError(
    'refused',
    `${socket} holds the port of ${facts.unit}, and cutover did not write it; nothing was changed`,
    { mend: `${byHand}, and set targets.${target.name}.strategy = "${to}"` },
  );
}
