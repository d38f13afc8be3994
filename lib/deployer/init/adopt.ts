import { join } from 'node:path';
import { CutoverError } from '../../base/errors.ts';
import { isThere, readIfThere } from '../../base/files.ts';
import { buildIdFor, currentPath } from '../../builds/layout.ts';
import { systemctl } from '../../systemd/typed.ts';
import { whileHeld } from '../held.ts';
import type { Place } from '../place.ts';
import { carryAdoption } from './adopt/change.ts';
import { movedLines } from './adopt/lines.ts';
import { type Adopted, type Adoption, filesOf, readAdopted, readAdoption } from './adopt/record.ts';
import { type AdoptReport, reportMove } from './adopt/report.ts';
import { requireMovable, requireSource, sharedPaths } from './adopt/suited.ts';
import { type FileResult, requireWritable } from './files.ts';
import { missingFolders } from './install/record.ts';
import type { ConfigText } from './strategy/config-file.ts';
import { readSource } from './strategy/unit-source.ts';
import { lookAtUnit, type SeenUnit } from './unit.ts';

export type { AdoptReport } from './adopt/report.ts';

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
    if (adoption === null) return reportMove(place, request, { adoption, downtimeMs: null });
    for (const { path } of filesOf(adoption)) await requireWritable(path);
    place.signal.throwIfAborted();
    await guard();
    return reportMove(place, request, { adoption, downtimeMs: await carryAdoption(place, adoption) });
  });
}

/** What would be done, by how things are: a move that was cut off is left as it is, too. */
async function rehearse(place: Place, request: AdoptRequest): Promise<AdoptReport> {
  const cutOff = await readAdoption(place.paths);
  if (cutOff === null)
    return reportMove(place, request, { adoption: await planMove(place, request), downtimeMs: null });
  const found = reportMove(place, request, { adoption: null, downtimeMs: null });
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
  const lines = await planLines(place, seen, { directory: request.directory, source, shared });
  await requireMovable(seen, { source, builds, shared, systemd, signal });
  const { path, text, mode, isThere: isWritten } = request.config;
  return {
    unit,
    source,
    builds,
    shared,
    build: buildIdFor(new Date()),
    to: 'builds',
    lines,
    invocationId: seen.facts.invocationId,
    config: isWritten ? null : { path, before: null, after: text, mode },
    folders: await missingFolders([join(builds, 'current')]),
    isProven: false,
  };
}

const linesName = 'zz-cutover-adopt.conf';

/** The lines that lead the unit into the builds. @throws `refused` where there are some already */
async function planLines(
  { systemd, target }: Place,
  seen: SeenUnit,
  { directory, source, shared }: { directory: string; source: string; shared: readonly string[] },
): Promise<Adoption['lines']> {
  const path = join(directory, `${target.unit}.d`, linesName);
  if ((await readIfThere(path)) !== null) throw foreign(path);
  const { texts } = await readSource(systemd, seen.facts, path);
  const after = movedLines(seen, texts, { source, current: currentPath(target.builds), shared });
  return { path, before: null, after, mode: 0o644 };
}

async function planBack(place: Place, adopted: Adopted | null): Promise<Adoption> {
  const { systemd, target, config } = place;
  if (adopted === null) {
    throw new CutoverError('refused', `${target.unit} was not moved by cutover init --adopt; nothing was changed`, {
      mend: systemctl(config.manager, `cat ${target.unit}`),
    });
  }
  await requireWayBack(place, adopted);
  const { invocationId } = await systemd.facts(target.unit);
  return { ...adopted, to: 'directory', invocationId, config: null, folders: [], isProven: false };
}

/** What has to hold before the service can run in its directory again. @throws `refused` */
async function requireWayBack({ target, config }: Place, { lines, source }: Adopted): Promise<void> {
  if (target.strategy !== 'restart') {
    const what = `${target.unit} has the strategy "${target.strategy}", which needs builds; nothing was changed`;
    throw new CutoverError('refused', what, { mend: `cutover init ${target.unit} --strategy restart, and again` });
  }
  const now = await readIfThere(lines.path);
  if (now !== null && now !== lines.after) {
    const what = `${lines.path} was changed since it was written; nothing was changed`;
    throw new CutoverError('refused', what, {
      mend: `take your lines out of it (${systemctl(config.manager, `edit ${target.unit}`)} has a file of its own), and again`,
    });
  }
  if (!(await isThere(source))) {
    throw new CutoverError('refused', `${source} is not there any more; nothing was changed`, {
      mend: `an older build: cutover builds ${target.name}, cutover rollback ${target.name}`,
    });
  }
}

function foreign(path: string): CutoverError {
  return new CutoverError('refused', `${path} is there already; nothing was changed`, {
    mend: `look at it (cat ${path}); to have it replaced: mv ${path} ${path}.saved`,
  });
}
