import { type Answer, pass, warn } from '../check.ts';
import { write } from './mend.ts';
import { isShared, type Patient, type Rule } from './patient.ts';

const expected = 'every process ends within the time to stop, and is killed after it';
/** A stop that was ended by a kill took nearly the whole time, or more. */
const nearly = 0.98;
/** systemd's own DefaultTimeoutStopSec=, which says nothing of the application */
const defaultMs = 90_000;

/** KillMode= and TimeoutStopSec= against how long the application takes to end what it answers. */
export const stopping: Rule = {
  name: 'stopping',
  appliesTo: () => true,
  ask: (patient) => {
    const found = [...modeOf(patient), ...timeOf(patient), ...lastStopOf(patient)];
    if (found.length > 0) return found;
    return [pass(`KillMode=${patient.setup.killMode}, ${seconds(patient.main.facts.stopTimeoutMs)}`, expected)];
  },
};

function modeOf({ main: { facts }, setup }: Patient): Answer[] {
  const found: Answer[] = [];
  if (setup.killMode === 'none' || setup.killMode === 'process') {
    const observed = `KillMode=${setup.killMode}: processes that are left keep the port`;
    found.push(warn(observed, expected, write(facts, 'Service', 'KillMode=mixed')));
  }
  if (!setup.sendsKill) {
    const observed = 'SendSIGKILL=no: a process that hangs is never ended';
    found.push(warn(observed, expected, write(facts, 'Service', 'SendSIGKILL=yes')));
  }
  return found;
}

/** Behind a socket unit whoever connects waits until the stop has ended, and without a deploy only TimeoutStopSec= ends one that hangs. */
function timeOf(patient: Patient): Answer[] {
  const { facts } = patient.main;
  const { stopTimeoutMs } = patient.target;
  if (facts.stopTimeoutMs <= stopTimeoutMs) return [];
  if (facts.stopTimeoutMs === defaultMs && !isShared(patient)) return [];
  const observed = `TimeoutStopSec= is ${seconds(facts.stopTimeoutMs)}, but a deploy waits for ${seconds(stopTimeoutMs)} (stop.timeout)`;
  return [warn(observed, expected, write(facts, 'Service', `TimeoutStopSec=${seconds(stopTimeoutMs)}`))];
}

/**
 * How the last stop ended. An application that drains gives its port back at once and then never comes to an end; one
 * that hangs keeps its port until it is killed.
 */
function lastStopOf({ main: { facts }, target, lastRun }: Patient): Answer[] {
  const { stop = null, run = '' } = lastRun ?? {};
  const allowedMs = Math.min(facts.stopTimeoutMs, target.stopTimeoutMs);
  if (stop === null || stop.tookMs < nearly * allowedMs) return [];
  const killed = `was killed after ${seconds(stop.tookMs)} (${stop.step}, run ${run})`;
  if (stop.closedMs === null) {
    return [warn(`the application did not end by itself: it ${killed}`, expected, mendForDraining(facts))];
  }
  if (stop.closedMs < stop.tookMs / 2) {
    return [warn(`the application hangs: it kept its port and ${killed}`, expected, mendForHung(facts))];
  }
  const drains = 'the application never finishes draining: it listened no more, yet';
  return [warn(`${drains} ${killed}`, expected, mendForDraining(facts))];
}

function mendForHung(facts: Patient['main']['facts']): string {
  return `let the application end at SIGTERM; until it does, waiting is for nothing: ${write(facts, 'Service', 'TimeoutStopSec=2s')}`;
}

function mendForDraining(facts: Patient['main']['facts']): string {
  const how = 'let the application close idle connections, and answer the others with "Connection: close"';
  return `${how}; until it does, wait for no longer than its requests take: ${write(facts, 'Service', 'TimeoutStopSec=5s')}`;
}

function seconds(ms: number): string {
  return Number.isFinite(ms) ? `${Math.round(ms / 100) / 10}s` : 'infinity';
}
