import type { KeepReason } from '../builds/retention.ts';
import { formatSize } from '../config/quantities.ts';
import { prune } from '../deployer/prune.ts';
import type { KeptBuild, PrunedItem, PrunedKind, PruneReport, PruneUser } from '../deployer/prune-report.ts';
import { columns } from '../report/text.ts';
import { afterwards, whileWorking } from './afterwards.ts';
import type { Run, Terminal } from './command.ts';
import { placeFor } from './place.ts';
import { waitMsOf } from './waiting.ts';

export const run: Run<{ dryRun?: boolean; wait?: string | number | boolean }> = async ([name], options, terminal) => {
  const waitMs = waitMsOf(options.wait);
  const isDryRun = options.dryRun === true;
  // What a build's owner may not remove, root may.
  const place = await placeFor(name, options, terminal, { log: !isDryRun, asOwner: false });
  const report = await whileWorking(place, terminal, () => prune(place, { isDryRun, waitMs }));
  if (options.json) terminal.print(JSON.stringify(report));
  else terminal.tell(`${textOf(report, { terminal, isQuiet: options.quiet === true })}\n`);
  await afterwards(null, place, { terminal, isPruned: false });
  return report.exit_code;
};

/** Why a build stays, for people. */
const whyKept: Record<KeepReason, string> = {
  current: 'in service',
  previous: 'what a rollback goes to',
  last_proven: 'proven last',
  served_before: 'served before the build in service',
  in_flight: 'a run that has not ended names it',
  used: 'in use',
  place: 'keep',
  newer: 'newer than the build in service, and not tried yet',
  quarantined: 'failed lately: kept for a look',
  no_way_back: 'no other build is proven, so it may be the way back',
  not_a_directory: 'no directory, so it is not for a prune to remove',
  no_current: 'current leads to no build, so nothing is known to be old',
  unseen: 'may be in use: see below',
  stuck: 'could not be removed: see below',
};

const howUsed: Record<PruneUser['how'], string> = {
  cwd: 'works in',
  root: 'has as its root',
  executable: 'runs',
  open: 'has open',
  mapped: 'has mapped',
  argument: 'was started with',
  mount: 'sees mounted at',
};

const manyOf: Record<PrunedKind, string> = {
  build: 'builds',
  rest: 'rests of builds',
  evidence: 'folders of evidence',
  ledger: 'ledgers',
  log: 'logs',
  backup: 'backups of the database',
};

function textOf(report: PruneReport, { terminal, isQuiet }: { terminal: Terminal; isQuiet: boolean }): string {
  const { removed, kept, failed, notes } = report;
  const { red, dim, yellow } = terminal.colours;
  const builds = removed.filter(({ kind }) => kind === 'build');
  const rows = builds.map(({ name, reason, size_bytes }) => [`  ${name}`, reason ?? '', sizeText(size_bytes)]);
  const lines = [
    headline(report),
    ...(rows.length === 0 ? [] : [columns(rows)]),
    ...(kept.length === 0 ? [] : ['stays:', columns(kept.map((build) => [`  ${build.id}`, keptText(build, report)]))]),
  ];
  const troubles = [
    ...failed.flatMap(({ name, message, mend }) => [
      red(`  ✗ ${name}: ${message}`),
      ...(mend ? [`    -> ${mend}`] : []),
    ]),
    ...notes.flatMap(({ message, mend }) => [yellow(`  ! ${message}`), ...(mend ? [`    -> ${mend}`] : [])]),
    ...unseenLines(report).map(dim),
  ];
  return [...(isQuiet ? lines.slice(0, 1) : lines), ...troubles].join('\n');
}

/** "production: removed 3 builds, 40 ledgers (1.2G)" */
function headline({ target, dry_run, removed, removed_bytes }: PruneReport): string {
  if (removed.length === 0) return `${target}: nothing to remove`;
  const kinds = Object.keys(manyOf) as PrunedKind[];
  const parts = kinds.map((kind) => countText(kind, removed)).filter((text) => text !== '');
  return `${target}: ${dry_run ? 'would remove' : 'removed'} ${parts.join(', ')} (${sizeText(removed_bytes)})`;
}

function countText(kind: PrunedKind, removed: readonly PrunedItem[]): string {
  const count = removed.filter((item) => item.kind === kind).length;
  if (count === 0) return '';
  return `${count} ${count === 1 ? manyOf[kind].replace(/^(\w+)s\b/, '$1') : manyOf[kind]}`;
}

function keptText({ reason, by }: KeptBuild, { keep }: PruneReport): string {
  if (reason === 'place') return `keep = ${keep}`;
  const [first, ...others] = by;
  if (!first) return whyKept[reason];
  const { pid, command, unit, how, path } = first;
  const more = others.length === 0 ? '' : `, and ${others.length} more`;
  if (pid === null) return `mounted at ${path} -> umount ${path}${more}`;
  const who = `pid ${pid}${command ? ` (${command})` : ''}${unit ? ` of ${unit}` : ''}`;
  return `in use: ${who} ${howUsed[how]} ${path}${more}`;
}

function unseenLines({ unseen_processes: count }: PruneReport): string[] {
  if (count === 0) return [];
  return [`  ${count === 1 ? '1 process' : `${count} processes`} could not be looked at; none is of this unit`];
}

function sizeText(bytes: number | null): string {
  return bytes === null ? '' : formatSize(bytes);
}
