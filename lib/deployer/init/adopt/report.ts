import { join } from 'node:path';
import { currentPath } from '../../../builds/layout.ts';
import type { ManagerKind } from '../../../config/model.ts';
import { systemctl } from '../../../systemd/typed.ts';
import type { Place } from '../../place.ts';
import { type FileResult, modeText } from '../files.ts';
import type { InitReport } from '../report.ts';
import type { OurFile } from '../strategy/our-units.ts';
import { type Adoption, filesOf } from './record.ts';

/** What `cutover init --adopt` prints. */
export interface AdoptReport extends InitReport {
  /** where it ran, and where it runs; null: nothing was to be done */
  adopted: { from: string; to: string; build: string } | null;
  /** what was done by systemd, or would be, as one would type it */
  commands: string[];
  downtime_ms: number | null;
}

interface Moved {
  /** null: nothing was to be done */
  adoption: Adoption | null;
  downtimeMs: number | null;
  /** notes on what the build lacks of the old directory */
  missing?: readonly string[];
  /** why the configuration is not ours, and what is to be added there; null: it is */
  unwritten?: string | null;
}

/** Tells of a move that was made, or would be. */
export function reportMove(
  { target, config }: Pick<Place, 'target' | 'config'>,
  { isDryRun, onFile }: { isDryRun: boolean; onFile: (file: FileResult) => void },
  { adoption, downtimeMs, missing = [], unwritten = null }: Moved,
): AdoptReport {
  const base = { target: target.name, units: [], downtime_ms: downtimeMs };
  const next = [`cutover check ${target.name}`, 'cutover init --install', `cutover deploy ${target.name}`];
  if (adoption === null) return { ...base, adopted: null, files: [], commands: [], notes: [], next };
  const { to, source, builds, build, unit } = adoption;
  const isInto = to === 'builds';
  const files = filesOf(adoption).map((file) =>
    unwritten !== null && file === adoption.config
      ? keptResult(file)
      : fileResult(file, isInto ? 'after' : 'before', isDryRun),
  );
  for (const file of files) onFile(file);
  const places = isInto ? { from: source, to: currentPath(builds) } : { from: currentPath(builds), to: source };
  const commands = commandsOf(adoption, config.manager);
  const notes = notesOn(adoption, missing, unwritten);
  const then = isInto ? next : [systemctl(config.manager, `status ${unit}`)];
  return { ...base, adopted: { ...places, build }, files, commands, notes, next: then };
}

function fileResult(file: OurFile, side: 'before' | 'after', isDryRun: boolean): FileResult {
  const text = file[side];
  const [done, would] = text === null ? (['removed', 'would remove'] as const) : (['written', 'would write'] as const);
  const content = isDryRun && text !== null ? { content: text } : {};
  return { path: file.path, status: isDryRun ? would : done, mode: modeText(file.mode), ...content };
}

function keptResult({ path, mode, after }: OurFile): FileResult {
  return { path, status: 'kept', mode: modeText(mode), content: after ?? '' };
}

function commandsOf({ to, source, builds, build, unit }: Adoption, manager: ManagerKind): string[] {
  const copying = [`cp -a ${source} ${join(builds, build)}`, `ln -s ${build} ${currentPath(builds)}`];
  const restarting = ['daemon-reload', `restart ${unit}`].map((words) => systemctl(manager, words));
  return to === 'builds' ? [...copying, ...restarting] : restarting;
}

function notesOn(adoption: Adoption, missing: readonly string[], unwritten: string | null): string[] {
  const last = adoption.to === 'builds' ? keptNote(adoption, missing.length === 0) : backNote(adoption);
  return unwritten === null ? [...missing, last] : [...missing, unwritten, last];
}

function keptNote({ source, shared, unit }: Adoption, isWhole: boolean): string {
  const undo = `back with cutover init ${unit} --adopt --undo`;
  if (!isWhole) return `${source} stays (${undo}): it holds what the build does not have`;
  const rest = shared.length === 0 ? '' : `, but for ${shared.join(', ')}, which the builds use`;
  return `${source} is as it was (${undo}); once you do not want that any more, it can be removed${rest}`;
}

function backNote({ unit, source, builds }: Adoption): string {
  const rest = `${builds} stays, and the configuration too, which does not fit ${unit} any more: a deploy by it is refused`;
  return `it runs what lies in ${source}, and nothing of what was deployed since; ${rest}`;
}
