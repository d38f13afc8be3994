import { messageOf } from '../../base/errors.ts';
import { currentBuild } from '../../builds/current.ts';
import { inspectBuild } from '../../builds/inspect.ts';
import type { Glance } from '../../report/recovery-report.ts';
import { isAlive, readInFlight } from '../../run/in-flight.ts';
import { readQuarantine } from '../../run/quarantine.ts';
import type { UnitFacts } from '../../systemd/facts.ts';
import { systemctl } from '../../systemd/typed.ts';
import { asProven } from '../init/strategy/proven.ts';
import type { Place } from '../place.ts';
import { lookAtService } from '../service-look.ts';

/** Where it is looked; nothing is changed there. */
export type LookPlace = Pick<Place, 'config' | 'target' | 'paths' | 'systemd' | 'signal'>;

/** A service as it stands, and what is wrong with it. */
export interface Look {
  glance: Glance;
  findings: string[];
  facts: UnitFacts;
  /** the build to bring up; null: there is none */
  current: string | null;
  /** whether the build itself is spoken against: a gate refused it, or it is not whole */
  isBuildBad: boolean;
  /** the command that is to be typed first, where it is known from this alone */
  next: string | null;
}

/** Looks at a service: its unit, its ports, its health, its build. @throws `bus_lost`, `permission`; the signal's reason */
export async function look(configured: LookPlace): Promise<Look> {
  // What cannot be read is told by whoever ends the change.
  const place = await asProven(configured).catch(() => configured);
  const [service, build, cutOff] = await Promise.all([lookAtService(place), lookAtBuild(place), cutOffRun(place)]);
  const { facts, healthy, isPortTaken } = service;
  const isThere = facts.loadState === 'loaded';
  return {
    glance: { healthy, state: isThere ? facts.activeState : facts.loadState, sub_state: facts.subState },
    findings: healthy && cutOff === null ? [] : [...service.findings, ...build.findings, ...(cutOff ? [cutOff] : [])],
    facts,
    current: build.current,
    isBuildBad: build.isBad,
    next: nextOf({ isThere, healthy, cutOff, build, isPortTaken }, place),
  };
}

async function lookAtBuild({
  target: { builds },
  paths,
}: LookPlace): Promise<{ current: string | null; isBad: boolean; findings: string[] }> {
  let current: string | null;
  try {
    current = await currentBuild(builds);
  } catch (error) {
    // One that may not be read must not keep the others from being looked at.
    return { current: null, isBad: false, findings: [messageOf(error)] };
  }
  if (current === null) return { current, isBad: false, findings: [`current in ${builds} leads to no build`] };
  const [{ broken }, quarantine] = await Promise.all([inspectBuild(builds, current), readQuarantine(paths)]);
  const entry = Object.hasOwn(quarantine, current) ? quarantine[current] : undefined;
  const findings = [
    ...(broken ? [`${current} ${broken}`] : []),
    ...(entry ? [`${current} is in quarantine since run ${entry.run} (${entry.reason})`] : []),
  ];
  return { current, isBad: findings.length > 0, findings };
}

/** A run that nobody is at work on any more, in words. */
async function cutOffRun({ paths }: LookPlace): Promise<string | null> {
  const mark = await readInFlight(paths);
  if (mark === null || (await isAlive(mark).catch(() => true))) return null;
  return `run ${mark.run} was cut off, and is not ended yet`;
}

function nextOf(
  found: {
    isThere: boolean;
    healthy: boolean;
    cutOff: string | null;
    build: { current: string | null };
    isPortTaken: boolean;
  },
  { target: { name, unit }, config: { manager } }: LookPlace,
): string | null {
  if (found.cutOff !== null && found.healthy) return `cutover settle ${name}`;
  if (found.healthy) return null;
  if (!found.isThere) return systemctl(manager, `cat ${unit}`);
  if (found.build.current === null) return `cutover deploy ${name}`;
  return found.isPortTaken ? 'sudo ss -ltnp' : null;
}
