import { probe } from '../checks/probe.ts';
import { lookAtPorts, portTaken } from '../deploy/ports.ts';
import { hasGivenUp, isUp, type UnitFacts } from '../systemd/facts.ts';
import type { Place } from './place.ts';

/** A service as it stands: its unit, its ports, what it answers. */
export interface ServiceLook {
  facts: UnitFacts;
  healthy: boolean;
  /** what is wrong, a sentence each; empty: it is healthy */
  findings: string[];
  /** whether somebody else has one of its ports */
  isPortTaken: boolean;
}

/**
 * The one answer to whether a service is healthy at this moment: its unit runs, it listens on every port itself, and every health
 * address answers as it should. @throws `bus_lost`, `permission`; the signal's reason
 */
export async function lookAtService(place: Pick<Place, 'target' | 'systemd' | 'signal'>): Promise<ServiceLook> {
  const [facts, ports, health] = await Promise.all([
    place.systemd.facts(place.target.unit),
    portFindings(place),
    healthFindings(place),
  ]);
  // That a service which is down does not answer is no finding of its own.
  const findings = [...unitFindings(facts), ...ports.findings, ...(isUp(facts) ? health : [])];
  return { facts, healthy: findings.length === 0, findings, isPortTaken: ports.isTaken };
}

function unitFindings(facts: UnitFacts): string[] {
  const { unit, loadState, loadError, activeState, subState, result, restarts } = facts;
  if (loadState !== 'loaded') return [`${unit} is ${loadState}${loadError ? `: ${loadError}` : ''}`];
  if (isUp(facts)) return [];
  const why = result === '' || result === 'success' ? subState : result;
  const gaveUp = hasGivenUp(facts) ? `, and systemd gave up after ${restarts} restarts` : '';
  return [`${unit} is ${activeState} (${why})${gaveUp}`];
}

async function portFindings({
  target,
  systemd,
}: Pick<Place, 'target' | 'systemd' | 'signal'>): Promise<{ findings: string[]; isTaken: boolean }> {
  const { unit, ports, strategy } = target;
  const { free, strangers } = await lookAtPorts(systemd, unit, ports, { isShared: strategy !== 'restart' });
  const taken = strangers.map((stranger) => portTaken(stranger).message);
  const findings = [...free.map((port) => `nobody listens on port ${port}`), ...new Set(taken)];
  return { findings, isTaken: taken.length > 0 };
}

async function healthFindings({ target, signal }: Pick<Place, 'target' | 'systemd' | 'signal'>): Promise<string[]> {
  const answers = await Promise.all(target.health.urls.map((url) => probe(url, target.health, signal)));
  return answers.flatMap(({ url, problem }) => (problem === null ? [] : [`${url}: ${problem}`]));
}
