import { join } from 'node:path';
import { userDirectory } from '../../../base/xdg.ts';
import type { Command } from '../../../base/exec.ts';
import type { Config, ManagerKind, TargetConfig } from '../../../config/model.ts';
import type { Systemd } from '../../../systemd/systemd.ts';
import { bootInstance, bootUnitFiles } from '../boot-unit.ts';
import type { PlannedUnit } from '../enable.ts';
import { handOverNotes } from '../hand-over.ts';
import { type Surroundings, unitDirectory } from '../places.ts';
import { type DeployingAccount, polkitRule, ruleTargets } from '../polkit.ts';
import { logRule } from './log-rule.ts';
import type { InstallRecord } from './record.ts';
import { requireNoRival } from './rivals.ts';
import { receiverPlan } from './serve-units.ts';
import { monitorFiles, monitorTimer } from './monitor-units.ts';
import { type Manual, manualFiles } from './shells.ts';
import type { InstallFile } from './unit-files.ts';

/** All that `init --install` puts on a machine for a configuration. */
export interface InstallPlan {
  files: InstallFile[];
  units: PlannedUnit[];
  /** what is left for a person to do */
  notes: string[];
  /** whom the webhook receiver runs as; null: nobody of its own */
  receiverUser: string | null;
}

export interface Planning {
  systemd: Pick<Systemd, 'facts' | 'property'>;
  surroundings: Surroundings;
  command: Command;
  manual: Manual;
  /** who is to deploy without being root; null: nobody is named now */
  grantee: DeployingAccount | null;
}

/** Finds out what is to be there. @throws `systemd_unavailable`, `refused`, `permission` */
export async function planInstall(
  config: Config & { file: string },
  targets: readonly TargetConfig[],
  { systemd, surroundings, command, manual, grantee: named, record }: Planning & { record: InstallRecord },
): Promise<InstallPlan> {
  const grantee = named ?? record.grants[config.file] ?? null;
  const { manager } = config;
  const places = { command, unitDirectory: unitDirectory(manager, surroundings) };
  const receiver = await receiverPlan(config, targets, { places, record });
  const ofTargets = [...bootUnitFiles(config, targets, places), ...monitorFiles(config, targets, places)];
  const oldLogs = logRule(config, tmpfilesDirectory(manager, surroundings), surroundings);
  await requireNoRival(ofTargets, { record, config });
  return {
    files: [
      ...ofTargets,
      ...receiver.files,
      ...oldLogs.files,
      ...(await manualFiles(manual, manager, surroundings)),
      ...(grantee === null ? [] : [grantFile(polkitRule(config, await ruleTargets(systemd, targets), grantee))]),
    ],
    units: [...targetUnits(config, targets), ...receiver.units],
    notes: [...receiver.notes, ...oldLogs.notes, ...(await handOverNotes(config, targets, grantee))],
    receiverUser: receiver.user,
  };
}

/** Where rules of one's own are (tmpfiles.d(5)). */
function tmpfilesDirectory(manager: ManagerKind, { env }: Surroundings): string {
  return manager === 'system' ? '/etc/tmpfiles.d' : join(userDirectory('XDG_CONFIG_HOME', env), 'user-tmpfiles.d');
}

/** The boot unit of each target, and the timer of each that is watched. */
function targetUnits({ app }: Config, targets: readonly TargetConfig[]): PlannedUnit[] {
  const watched = targets.filter(({ monitor }) => monitor !== null);
  return [
    ...targets.map(({ name }) => ({ unit: bootInstance(app, name), isStarted: false })),
    ...watched.map(({ name }) => ({ unit: monitorTimer(app, name), isStarted: true })),
  ];
}

/** polkitd does not run as root, and has to read it. */
function grantFile({ path, text }: { path: string; text: string }): InstallFile {
  return { path, text, mode: 0o644, known: [], isNeeded: true };
}
