import type { Sharing } from '../builds/sharing.ts';
import { askBuilds, askCandidate } from '../checks/builds.ts';
import { type Answer, type Check, type CheckAnswer, askAll, fail, pass, warn } from '../checks/check.ts';
import { type ConfiguredCheck, softened } from '../checks/configured.ts';
import { askDoctor } from '../checks/doctor.ts';
import { askDisk } from '../checks/disk.ts';
import { askHooks } from '../checks/hook-start.ts';
import { askHttp } from '../checks/http.ts';
import { askMemory } from '../checks/memory.ts';
import { askRestartLimit, askUnit, askUnitFile } from '../checks/unit.ts';
import type { OwnCheckName } from '../config/check-names.ts';
import type { ManagerKind, TargetConfig } from '../config/model.ts';
import { type InFlight, isAlive } from '../run/in-flight.ts';
import type { Refused } from '../run/quarantine.ts';
import type { StatePaths } from '../run/state.ts';
import type { UnitFacts } from '../systemd/facts.ts';
import type { Systemd } from '../systemd/systemd.ts';
import { journalctl } from '../systemd/typed.ts';
import { asBefore } from './configured-checks.ts';
import { askDatabase } from './database-check.ts';
import { lastRunOf } from './last-run.ts';
import { permissionCheck } from './permission.ts';
import { askPorts } from './port-check.ts';
import { standInOf } from './stand-in.ts';

/** What the questions are asked about. */
export interface PreflightSubject {
  target: TargetConfig;
  facts: UnitFacts;
  /** all that systemd told of the unit */
  properties: ReadonlyMap<string, unknown>;
  systemd: Pick<Systemd, 'facts' | 'property' | 'call' | 'ask' | 'resetFailed' | 'isRoots'>;
  paths: StatePaths;
  /** the state directory: a full disk there stops a run */
  state: string;
  candidate: string | null;
  /** a newer build that its gate refused; null: none is passed over */
  passedOver: Refused | null;
  /** what the unit's process really runs from */
  serving: string | null;
  /** what all builds have links to; null: nothing */
  sharing: Sharing | null;
  inFlight: InFlight | null;
  /** a change of the unit itself that has not ended, and how to end it; null: there is none */
  unfinished: { message: string; mend: string } | null;
  /** nothing was deployed yet: the questions about a running service do not apply */
  isFirst: boolean;
  /** the service is known to be down and is to be repaired: what it answers is only a warning */
  isFixForward: boolean;
  /** the questions of the configuration */
  configured: readonly ConfiguredCheck[];
  /** what was begun before to ask the running service; null: nothing was */
  health?: Promise<Answer | null> | undefined;
  /** who was seen this long ago to have the ports will do; default: who has them now */
  portsMaxAgeMs?: number | undefined;
  /** nobody waits for a deploy: what costs more is asked as well */
  isThorough: boolean;
  /** nobody waits for an answer any more */
  signal: AbortSignal;
}

/** No configured check has its name. */
type OwnCheck = Check & { name: OwnCheckName };

/** Asked only where a newer build is passed over. */
const quarantineName = 'quarantine';

/** What no force goes past: systemd would refuse it in the middle. */
export const permissionName = 'permission';

/** The questions about the service that runs now. */
export const aboutRunning = new Set(['unit', 'restart_limit', 'health']);

/** Asks everything that must hold before a deploy, all at once (S1). */
export function preflight(subject: PreflightSubject, onAnswer?: (answer: CheckAnswer) => void): Promise<CheckAnswer[]> {
  const soften = subject.isFixForward ? warnOnly : (check: Check): Check => check;
  return askAll([...preflightChecks(subject).map(soften), ...asBefore(subject.configured, subject)], onAnswer);
}

function preflightChecks(subject: PreflightSubject): OwnCheck[] {
  const { target, facts, state, paths, isFirst } = subject;
  const { builds, limits } = target;
  const notYet = pass('nothing is deployed yet', 'not asked on a first deploy');
  return [
    { name: 'unit', ask: async () => askUnit(facts, { isFirst }) },
    { name: 'unit_file', ask: () => askUnitFiles(subject) },
    { name: 'restart_limit', ask: async () => (isFirst ? notYet : askRestartLimit(facts, Date.now())) },
    { name: 'port', ask: () => askPorts(subject) },
    { name: 'disk', ask: () => askDisk([builds, state, paths.directory], limits.diskUsed) },
    { name: 'memory', ask: () => askMemory(limits.memoryAvailable) },
    {
      name: 'health',
      ask: async () => (isFirst ? notYet : ((await subject.health) ?? askHealth(subject, facts.manager))),
    },
    { name: 'builds', ask: () => askBuilds(builds, subject.serving) },
    { name: 'candidate', ask: () => askBuild(subject) },
    ...passedOverChecks(subject),
    { name: 'in_flight', ask: () => askInFlight(subject) },
    ...databaseChecks(subject),
    ...permissionChecks(subject),
    ...hookChecks(subject),
  ];
}

/** Whether the service that runs answers well. */
export function askHealth(
  { target: { unit, health }, signal }: Pick<PreflightSubject, 'target' | 'signal'>,
  manager: ManagerKind,
): Promise<Answer> {
  const mend = `${journalctl(manager, unit)}, then cutover rollback or cutover deploy --fix-forward`;
  return askHttp(health.urls, health, mend, signal);
}

/** Before the stages there need not be a build where one of them makes it. */
async function askBuild({ candidate, sharing, facts, isThorough, target }: PreflightSubject): Promise<Answer> {
  const isMadeLater = candidate === null && isThorough && (target.hooks.build ?? []).length > 0;
  if (isMadeLater) return pass('none yet: the hook build makes one', 'a whole, readable build');
  return askCandidate(target.builds, candidate, { user: facts.user, sharing });
}

/** "Nothing to do", or an older build than the newest, is not what somebody expects who has just added one. */
function passedOverChecks({ passedOver, target }: PreflightSubject): OwnCheck[] {
  if (passedOver === null) return [];
  const { build, reason, run } = passedOver;
  const observed = `${build} is newer and quarantined (${reason}, run ${run})`;
  const mend = `cutover deploy ${target.name} ${build}`;
  return [{ name: quarantineName, ask: async () => warn(observed, 'the newest build is deployed', mend) }];
}

/** A deploy begins with a backup, where a database is configured. */
function databaseChecks({ target, isFirst, signal }: PreflightSubject): OwnCheck[] {
  const { database, hooks } = target;
  if (!database) return [];
  return [{ name: 'database', ask: () => askDatabase({ database, hooks }, { isFirst, signal }) }];
}

/** Only who is not root is asked about: a run that may stop a service and not start it would leave it down. */
function permissionChecks({ systemd, ...subject }: PreflightSubject): OwnCheck[] {
  const ask = permissionCheck(subject, systemd);
  return ask === null ? [] : [{ name: permissionName, ask }];
}

function hookChecks(subject: PreflightSubject): OwnCheck[] {
  if (Object.keys(subject.target.hooks).length === 0) return [];
  return [{ name: 'hooks', ask: () => askTargetsHooks(subject) }];
}

/** The stages that make a build are over when a deploy asks; before that they are asked of as well. */
function askTargetsHooks({ target, candidate, isThorough }: PreflightSubject): Promise<Answer> {
  return askHooks(target, { build: candidate, isBeforeStages: isThorough });
}

/** The unit's file, and those of the units that a deploy works with. */
async function askUnitFiles(subject: PreflightSubject): Promise<Answer> {
  const { target, facts, properties, systemd, paths, candidate, isThorough, unfinished } = subject;
  if (unfinished) return askUnitFile(facts);
  const standIn = target.strategy === 'overlap' && candidate !== null ? standInOf(target.unit, candidate) : null;
  return askDoctor({ target, facts, properties, standIn, lastRun: () => lastRunOf(paths), isThorough }, systemd);
}

async function askInFlight({
  inFlight: mark,
  unfinished,
  target: { name: target },
}: PreflightSubject): ReturnType<Check['ask']> {
  const expected = 'no unfinished run';
  if (unfinished) return fail(unfinished.message, `${expected}, and no unfinished change`, unfinished.mend);
  if (!mark) return pass('none', expected);
  if (await isAlive(mark))
    return warn(`run ${mark.run} is at work (pid ${mark.pid})`, expected, `cutover status ${target}`);
  return warn(`run ${mark.run} was cut off`, expected, `cutover settle ${target} (the next deploy does it by itself)`);
}

function warnOnly(check: Check): Check {
  if (!aboutRunning.has(check.name)) return check;
  return { name: check.name, ask: async () => softened(await check.ask()) };
}
