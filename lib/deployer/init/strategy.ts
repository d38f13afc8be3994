import type { StrategyName } from '../../config/model.ts';
import { currentBuild } from '../../builds/current.ts';
import { standInOf } from '../../deploy/stand-in.ts';
import { isUp } from '../../systemd/facts.ts';
import { systemctl } from '../../systemd/typed.ts';
import { whileHeld } from '../held.ts';
import type { InitReport } from './report.ts';
import type { Place } from '../place.ts';
import { unitsToEnable } from './enable.ts';
import { planAfter } from './ended-change.ts';
import { type FileResult, modeText, requireWritable } from './files.ts';
import { notQueued } from './not-queued.ts';
import { carryChange } from './strategy/change.ts';
import { changedLines, type ConfigText, withStrategy } from './strategy/config-file.ts';
import { standingOf } from './strategy/crossing.ts';
import { type OurFile, ourUnits } from './strategy/our-units.ts';
import { type ChangePlan, planChange } from './strategy/plan.ts';
import { readRecord } from './strategy/record.ts';
import { findingsOn, requireCurrent } from './strategy/suited.ts';
import { lookAtUnit } from './unit.ts';

/** What `cutover init --strategy` prints. */
export interface StrategyReport extends InitReport {
  strategy: { from: StrategyName; to: StrategyName };
  /** what was done by systemd, or would be, as one would type it */
  commands: string[];
  /** how long nobody accepted on the ports; null: nothing was restarted */
  downtime_ms: number | null;
}

export interface StrategyRequest {
  to: StrategyName;
  /** the configuration's file as it is, or as it is to be written */
  config: ConfigText;
  /** the manager's folder for units of the administrator */
  directory: string;
  isDryRun: boolean;
  onFile: (file: FileResult) => void;
}

/**
 * Has a unit take its port from a socket unit, with or without a stand-in, or open it itself again: every file, one restart,
 * the proof, and the strategy in the configuration. What does not serve then is taken back. A change that was cut off is
 * brought to an end before.
 * @throws `refused`, `permission`, `disk`, `locked`, with nothing changed; `taken_back`, `failed`
 */
export async function initStrategy(place: Place, request: StrategyRequest): Promise<StrategyReport> {
  if (request.isDryRun) return rehearse(place, request);
  const doing = `change to strategy "${request.to}"`;
  return notQueued(() =>
    whileHeld(place, { doing, waitMs: 0 }, async ({ ended, guard }) => {
      const wanted = await planAfter(ended, lookInto(place, request), isSettled);
      const { plan, config } = wanted;
      place.signal.throwIfAborted();
      if (isSettled(wanted)) return report(wanted, place, { ...request, downtimeMs: null });
      await guard();
      const { from, to, files } = plan;
      const about = { unit: place.target.unit, since: new Date().toISOString(), directory: request.directory };
      const downtimeMs = await carryChange(place, { ...about, from, to, files, config, isProven: false });
      return report(wanted, place, { ...request, downtimeMs });
    }),
  );
}

/** What would be done, by how things are: a change that was cut off is left as it is, too. */
async function rehearse(place: Place, request: StrategyRequest): Promise<StrategyReport> {
  const cutOff = await readRecord(place.paths);
  const found = await report(await lookInto(place, request), place, { ...request, downtimeMs: null });
  if (cutOff === null) return found;
  const { from, to } = cutOff;
  return { ...found, notes: [`a change from strategy "${from}" to "${to}" was cut off; it would be taken back first`] };
}

interface Wanted {
  plan: ChangePlan;
  config: OurFile;
  /** the unit stands there already, and its files say so */
  isDone: boolean;
  commands: string[];
}

function isSettled({ isDone, config }: Wanted): boolean {
  return isDone && config.before === config.after;
}

/** Finds out what is to be done, before anything is. */
async function lookInto(place: Place, { to, config, directory }: StrategyRequest): Promise<Wanted> {
  const { systemd, target } = place;
  const { manager } = place.config;
  const seen = await lookAtUnit(systemd, target.unit, manager);
  const units = ourUnits(target.unit, directory);
  const plan = await planChange(place, { seen, units, to });
  const file = await withStrategy(config, { target: target.name, strategy: to });
  for (const { path, before, after } of [...plan.files, file]) if (before !== after) await requireWritable(path);
  const crossing = { systemd, manager, target, units };
  const { isSocketOpen } = to === 'restart' ? { isSocketOpen: false } : await standingOf(crossing);
  const [enabled] = to === 'restart' ? [] : await unitsToEnable(systemd, [units.socket]);
  const isThere = to === 'restart' || (isSocketOpen && isUp(seen.facts) && enabled?.status === 'unchanged');
  const isDone = isThere && plan.files.every(({ before, after }) => before === after);
  if (!isDone) await requireCurrent(place, seen);
  const commands = isDone ? [] : await commandsFor(place, plan, isSocketOpen);
  return { plan, config: file, isDone, commands };
}

async function commandsFor(
  { config: { manager }, target }: Place,
  { from, to, units }: ChangePlan,
  isSocketOpen: boolean,
): Promise<string[]> {
  const type = (words: string): string => systemctl(manager, words);
  if (to === 'restart') {
    const closing = `restart ${target.unit}   # ${units.socket} is closed with it`;
    return [type(`disable ${units.socket}`), type('daemon-reload'), type(closing), type('daemon-reload')];
  }
  const first = from === 'restart' ? [type('daemon-reload'), type(`enable ${units.socket}`)] : [type('daemon-reload')];
  const opening = isSocketOpen ? [] : [type(`restart ${target.unit}   # ${units.socket} is opened with it`)];
  const build = to === 'overlap' ? await currentBuild(target.builds) : null;
  if (build === null) return [...first, ...opening];
  const standIn = standInOf(target.unit, build);
  return [...first, ...opening, type(`start ${standIn}   # a rehearsal`), type(`stop ${standIn}`)];
}

async function report(
  { plan, config, isDone, commands }: Wanted,
  place: Place,
  { isDryRun, onFile, downtimeMs }: StrategyRequest & { downtimeMs: number | null },
): Promise<StrategyReport> {
  const { target, systemd } = place;
  const files = [...plan.files, config].filter(({ before, after }) => before !== null || after !== null);
  const results = files.map((file) => resultOf(file, isDryRun, file === config ? changedLines(file) : file.after));
  for (const result of results) onFile(result);
  const isOurs = plan.to !== 'restart';
  const units = isOurs && !isDone && isDryRun ? await unitsToEnable(systemd, [plan.units.socket]) : [];
  const enabled = isOurs && !isDone && !isDryRun && plan.from === 'restart';
  return {
    target: target.name,
    strategy: { from: plan.from, to: plan.to },
    files: results,
    units: enabled ? [{ unit: plan.units.socket, status: 'enabled' }] : units,
    commands,
    downtime_ms: downtimeMs,
    notes: isDryRun ? [] : await notesOn(place, plan.to),
    next: [`cutover check ${target.name}`, `cutover deploy ${target.name}`],
  };
}

function resultOf({ path, before, after, mode }: OurFile, isDryRun: boolean, content: string | null): FileResult {
  const verb = after === null ? (['removed', 'would remove'] as const) : (['written', 'would write'] as const);
  const status = before === after ? 'unchanged' : verb[isDryRun ? 1 : 0];
  const isTold = isDryRun && before !== after && content !== null;
  return { path, status, mode: modeText(mode), ...(isTold ? { content } : {}) };
}

/** What the doctor would still say at the next check. */
async function notesOn(place: Place, strategy: StrategyName): Promise<string[]> {
  const found = await findingsOn(place, { ...place.target, strategy }, true);
  return found.map(({ observed, mend }) => (mend === null ? observed : `${observed} -> ${mend}`));
}
