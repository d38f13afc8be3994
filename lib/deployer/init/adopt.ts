import { join } from 'node:path';
import { CutoverError } from '../../base/errors.ts';
import { isThere, readIfThere } from '../../base/files.ts';
import { buildIdFor, currentPath } from '../../builds/layout.ts';
import { systemctl } from '../../systemd/typed.ts';
import { whileHeld } from '../held.ts';
import type { Place } from '../place.ts';
import { carryAdoption } from './adopt/change.ts';
import { notWritten, requireWritten } from './adopt/finish.ts';
import { leftBehindNotes } from './adopt/left-behind.ts';
import { movedLines } from './adopt/lines.ts';
import { type Adopted, adoptedPath, type Adoption, filesOf, readAdopted, readAdoption } from './adopt/record.ts';
import { foreign, notOurs, reverted, withoutRecord } from './adopt/refusals.ts';
import { type AdoptReport, reportMove } from './adopt/report.ts';
import { requireMovable, requireSource, sharedPaths } from './adopt/suited.ts';
import { planAfter } from './ended-change.ts';
import { type FileResult, requireWritable } from './files.ts';
import { missingFolders } from './install/record.ts';
import { notQueued } from './not-queued.ts';
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
export async function initAdopt(configured: Place, request: AdoptRequest): Promise<AdoptReport> {
  if (request.isDryRun) return rehearse(configured, request);
  const doing = request.isUndo ? 'move out of the builds directory' : 'move into a builds directory';
  const held = { doing, waitMs: 0 };
  return notQueued(() =>
    whileHeld(configured, held, async ({ place, ended, guard }) => {
      if (!request.isUndo) await requireWritten(place);
      const adoption = await planAfter(ended, planMove(place, request, ended !== null), (move) => move === null);
      if (adoption === null) return reportMove(place, request, { adoption, downtimeMs: null });
      for (const { path } of filesOf(adoption)) await requireWritable(path);
      place.signal.throwIfAborted();
      await guard();
      const downtimeMs = await carryAdoption(place, adoption);
      const missing = adoption.to === 'builds' ? await leftBehindNotes(adoption) : [];
      const unwritten = await notWritten(adoption, request.config);
      return reportMove(place, request, { adoption, downtimeMs, missing, unwritten });
    }),
  );
}

/** What would be done, by how things are: a move that was cut off is left as it is, too. */
async function rehearse(place: Place, request: AdoptRequest): Promise<AdoptReport> {
  const cutOff = await readAdoption(place.paths);
  if (cutOff === null)
    return reportMove(place, request, { adoption: await planMove(place, request, false), downtimeMs: null });
  const found = reportMove(place, request, { adoption: null, downtimeMs: null });
  return { ...found, notes: [`a move of ${cutOff.unit} was cut off; it would be brought to its end first`] };
}

/**
 * @param isEnded a move that had been cut off was brought to its end just now, which may be all that is to be done
 * @returns null: nothing is to be done
 * @throws `refused`, `permission`
 */
async function planMove(place: Place, request: AdoptRequest, isEnded: boolean): Promise<Adoption | null> {
  const { systemd, target, config, paths } = place;
  const [adopted, seen] = await Promise.all([readAdopted(paths), lookAtUnit(systemd, target.unit, config.manager)]);
  const isInBuilds = seen.directory === currentPath(target.builds);
  if (request.isUndo) {
    if (adopted === null && isEnded && !isInBuilds) return null;
    const path = linesPath(request.directory, target.unit);
    return planBack(place, adopted ?? (await withoutRecord(place, path)), { seen, path });
  }
  if (isInBuilds) {
    requireShared(place, request.shared, adopted);
    return null;
  }
  if (adopted !== null) throw reverted(place, adopted, seen);
  return planInto(place, request, seen);
}

async function planInto(place: Place, request: AdoptRequest, seen: SeenUnit): Promise<Adoption> {
  const { systemd, target, config, signal } = place;
  const { unit, builds } = target;
  const source = await requireSource(seen, config.manager);
  const shared = sharedPaths(source, request.shared);
  const lookedMs = Date.now();
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
    lookedMs,
    lines,
    invocationId: seen.facts.invocationId,
    config: isWritten ? null : { path, before: null, after: text, mode },
    folders: await missingFolders([join(builds, 'current')]),
    isProven: false,
  };
}

function linesPath(directory: string, unit: string): string {
  return join(directory, `${unit}.d`, 'zz-cutover-adopt.conf');
}

/** The lines that lead the unit into the builds. @throws `refused` where there are some already */
async function planLines(
  { systemd, target, config: { manager } }: Place,
  seen: SeenUnit,
  { directory, source, shared }: { directory: string; source: string; shared: readonly string[] },
): Promise<Adoption['lines']> {
  const path = linesPath(directory, target.unit);
  if ((await readIfThere(path)) !== null) throw foreign(path);
  const [{ texts }, { properties }] = await Promise.all([
    readSource(systemd, seen.facts, { manager, isWanted: () => true }),
    systemd.known(target.unit),
  ]);
  const unit = { unit: target.unit, texts, properties };
  const after = movedLines(unit, { source, current: currentPath(target.builds), shared });
  return { path, before: null, after, mode: 0o644 };
}

async function planBack(
  place: Place,
  adopted: Adopted,
  { seen, path }: { seen: SeenUnit; path: string },
): Promise<Adoption> {
  // The record lies where the state's owner may write: whoever goes by it touches the unit's own lines and no other file.
  if (adopted.lines.path !== path) throw notOurs(adopted.lines.path, adoptedPath(place.paths));
  await requireWayBack(place, adopted);
  const { invocationId } = seen.facts;
  return {
    ...adopted,
    to: 'directory',
    lookedMs: Date.now(),
    invocationId,
    config: null,
    folders: [],
    isProven: false,
  };
}

/** What was not shared at the move lies in a build: that nothing is to be done would be no answer. @throws `refused`, `usage` */
function requireShared({ target, config, paths }: Place, words: readonly string[], adopted: Adopted | null): void {
  const isKnown = (word: string): boolean =>
    adopted !== null && sharedPaths(adopted.source, [word]).every((path) => adopted.shared.includes(path));
  const word = words.find((one) => !isKnown(one));
  if (word === undefined) return;
  const { unit, builds } = target;
  const [stop, start, edit] = ['stop', 'start', 'edit'].map((verb) => systemctl(config.manager, `${verb} ${unit}`));
  const [own, path] = [join(currentPath(builds), word), join(adopted?.source ?? '', word)];
  const moving = `${stop}; mv ${own} ${path}; ln -s ${path} ${own}; ${start}; then add "${path}" to "shared" in ${adoptedPath(paths)}`;
  throw new CutoverError(
    'refused',
    `${unit} runs in builds already, and ${word} is not shared by them; nothing was changed`,
    {
      mend: adopted === null ? `${edit}, and name a place outside of ${builds} for it there` : moving,
    },
  );
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
