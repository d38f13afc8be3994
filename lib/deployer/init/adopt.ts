import { join } from 'node:path';
import { CutoverError } from '../../base/errors.ts';
import { isThere, readIfThere } from '../../base/files.ts';
import { buildIdFor, currentPath } from '../../builds/layout.ts';
import { systemctl } from '../../systemd/typed.ts';
import { whileHeld } from '../held.ts';
import type { InitReport } from './report.ts';
import type { Place } from '../place.ts';
import { carryAdoption } from './adopt/change.ts';
import { movedLines } from './adopt/lines.ts';
import { type Adopted, type Adoption, readAdopted, readAdoption } from './adopt/record.ts';
import { requireMovable, requireSource, sharedPaths } from './adopt/suited.ts';
import { type FileResult, modeText, requireWritable } from './files.ts';
import { missingFolders } from './install/record.ts';
import type { ConfigText } from './strategy/config-file.ts';
import { readSource } from './strategy/unit-source.ts';
import { lookAtUnit } from './unit.ts';

/** What `cutover init --adopt` prints. */
export interface AdoptReport extends InitReport {
  /** where it ran, and where it runs; null: nothing was to be done */
  adopted: { from: string; to: string; build: string } | null;
  /** what was done by systemd, or would be, as one would type it */
  commands: string[];
  downtime_ms: number | null;
}

export interface AdoptRequest {
  /** the configuration as it is, or as it is to be written */
  config: ConfigText;
  /** the manager's folder for units of the administrator */
  directory: string;
  /** paths below the old directory that stay where they are */
  shared: readonly string[];
  isUndo: boolean;
  isDryRun: boolean;
  onFile: (file: FileResult) => void;
}

/**
 * Moves a service that runs in a plain directory into a builds directory, with one restart: what lies in the directory becomes the
 * first build. The directory itself is left as it is. With `isUndo` it runs there again. What does not serve then is taken back; a
 * move that was cut off is brought to an end before.
 * @throws `refused`, `permission`, `disk`, `locked`, `usage`, with nothing changed; `taken_back`, `failed`
 */
export async function initAdopt(place: Place, request: AdoptRequest): Promise<AdoptReport> {
  if (request.isDryRun) return rehearse(place, request);
  const doing = request.isUndo ? 'move out of the builds directory' : 'move into a builds directory';
  return whileHeld(place, { doing, waitMs: 0 }, async (_settled, guard) => {
    const adoption = await planMove(place, request);
    if (adoption === null) return report(place, request, { adoption, downtimeMs: null });
    for (const { path } of filesOf(adoption)) await requireWritable(path);
    place.signal.throwIfAborted();
    await guard();
    return report(place, request, { adoption, downtimeMs: await carryAdoption(place, adoption) });
  });
}

/** What would be done, by how things are: a move that was cut off is left as it is, too. */
async function rehearse(place: Place, request: AdoptRequest): Promise<AdoptReport> {
  const cutOff = await readAdoption(place.paths);
  if (cutOff === null) return report(place, request, { adoption: await planMove(place, request), downtimeMs: null });
  const found = await report(place, request, { adoption: null, downtimeMs: null });
  return { ...found, notes: [`a move of ${cutOff.unit} was cut off; it would be brought to its end first`] };
}

/** @returns null: nothing is to be done @throws `refused`, `permission` */
async function planMove(place: Place, request: AdoptRequest): Promise<Adoption | null> {
  const adopted = await readAdopted(place.paths);
  return request.isUndo ? planBack(place, adopted) : planInto(place, request, adopted);
}

async function planInto(place: Place, request: AdoptRequest, adopted: Adopted | null): Promise<Adoption | null> {
  const { systemd, target, config, signal } = place;
  const { unit, builds } = target;
  const seen = await lookAtUnit(systemd, unit, config.manager);
  if (adopted !== null || seen.directory === currentPath(builds)) return null;
  const source = await requireSource(seen, config.manager);
  const shared = sharedPaths(source, request.shared);
  const path = join(request.directory, `${unit}.d`, linesName);
  if ((await readIfThere(path)) !== null) throw foreign(path);
  const { texts } = await readSource(systemd, seen.facts, path);
  const after = movedLines(seen, texts, { source, current: currentPath(builds), shared });
  await requireMovable(seen, { source, builds, shared, systemd, signal });
  const { path: file, text, mode, isThere: isWritten } = request.config;
  return {
    unit,
    source,
    builds,
    shared,
    build: buildIdFor(new Date()),
    to: 'builds',
    lines: { path, before: null, after, mode: 0o644 },
    invocationId: seen.facts.invocationId,
    config: isWritten ? null : { path: file, before: null, after: text, mode },
    folders: await missingFolders([join(builds, 'current')]),
    isProven: false,
  };
}

const linesName = 'zz-cutover-adopt.conf';

async function planBack({ systemd, target, config }: Place, adopted: Adopted | null): Promise<Adoption> {
  if (adopted === null) {
    throw new CutoverError('refused', `${target.unit} was not moved by cutover init --adopt; nothing was changed`, {
      mend: systemctl(config.manager, `cat ${target.unit}`),
    });
  }
  if (target.strategy !== 'restart') {
    const what = `${target.unit} has the strategy "${target.strategy}", which needs builds; nothing was changed`;
    throw new CutoverError('refused', what, { mend: `cutover init ${target.unit} --strategy restart, and again` });
  }
  const { lines } = adopted;
  const now = await readIfThere(lines.path);
  if (now !== null && now !== lines.after) {
    const what = `${lines.path} was changed since it was written; nothing was changed`;
    throw new CutoverError('refused', what, {
      mend: `take your lines out of it (${systemctl(config.manager, `edit ${target.unit}`)} has a file of its own), and again`,
    });
  }
  if (!(await isThere(adopted.source))) {
    throw new CutoverError('refused', `${adopted.source} is not there any more; nothing was changed`, {
      mend: `an older build: cutover builds ${target.name}, cutover rollback ${target.name}`,
    });
  }
  const { invocationId } = await systemd.facts(target.unit);
  return { ...adopted, to: 'directory', invocationId, config: null, folders: [], isProven: false };
}

function filesOf({ lines, config }: Adoption) {
  return config ? [lines, config] : [lines];
}

function foreign(path: string): CutoverError {
  return new CutoverError('refused', `${path} is there already; nothing was changed`, {
    mend: `look at it (cat ${path}); to have it replaced: mv ${path} ${path}.saved`,
  });
}

async function report(
  { target, config }: Place,
  { isDryRun, onFile }: AdoptRequest,
  { adoption, downtimeMs }: { adoption: Adoption | null; downtimeMs: number | null },
): Promise<AdoptReport> {
  const base = { target: target.name, units: [], downtime_ms: downtimeMs };
  const next = [`cutover check ${target.name}`, 'cutover init --install', `cutover deploy ${target.name}`];
  if (adoption === null) return { ...base, adopted: null, files: [], commands: [], notes: [], next };
  const { to, source, builds, build, shared, unit } = adoption;
  const isInto = to === 'builds';
  const files = filesOf(adoption).map((file): FileResult => {
    const text = isInto ? file.after : file.before;
    const [done, would] =
      text === null ? (['removed', 'would remove'] as const) : (['written', 'would write'] as const);
    const content = isDryRun && text !== null ? { content: text } : {};
    return { path: file.path, status: isDryRun ? would : done, mode: modeText(file.mode), ...content };
  });
  for (const file of files) onFile(file);
  const copying = [`cp -a ${source} ${join(builds, build)}`, `ln -s ${build} ${currentPath(builds)}`];
  const restarting = ['daemon-reload', `restart ${unit}`].map((words) => systemctl(config.manager, words));
  const places = isInto ? { from: source, to: currentPath(builds) } : { from: currentPath(builds), to: source };
  const commands = isInto ? [...copying, ...restarting] : restarting;
  const notes = isInto
    ? keptNotes(source, shared, unit)
    : [
        `it runs what lies in ${source}, and nothing of what was deployed since; builds and configuration stay: ${builds}`,
      ];
  const then = isInto ? next : [systemctl(config.manager, `status ${unit}`)];
  return { ...base, adopted: { ...places, build }, files, commands, notes, next: then };
}

function keptNotes(source: string, shared: readonly string[], unit: string): string[] {
  const undo = `back with cutover init ${unit} --adopt --undo`;
  const rest = shared.length === 0 ? '' : `, but for ${shared.join(', ')}, which the builds use`;
  return [`${source} is as it was (${undo}); once you do not want that any more, it can be removed${rest}`];
}
