import { type Answer, fail, pass, warn } from '../check.ts';
import { write } from './mend.ts';
import { isShared, type Patient, type Rule, type Service } from './patient.ts';

/** The candidate's start, the way back, and one by hand. */
const leastStarts = 3;

/** Limits that would close the shared port, or stand in the way of a rollback. */
export const startLimit: Rule = {
  name: 'start_limit',
  appliesTo: () => true,
  ask: (patient) => {
    const expected = isShared(patient) ? 'no limit that closes the shared port' : 'no limit that blocks a rollback';
    const found = [
      ...refusalsOf(patient, expected),
      ...(isShared(patient)
        ? [...patient.services.flatMap((service) => closingPort(service, expected)), ...triggersOf(patient, expected)]
        : blockingRollback(patient, expected)),
    ];
    return found.length > 0 ? found : [pass(describe(patient.main), expected)];
  },
};

function isLimited({ facts }: Service): boolean {
  return facts.startLimitBurst > 0 && facts.startLimitIntervalMs > 0;
}

function describe(service: Service): string {
  const { startLimitBurst, startLimitIntervalMs } = service.facts;
  return isLimited(service) ? `${startLimitBurst} starts in ${startLimitIntervalMs / 1000} s` : 'no limit';
}

/** A start limit that is hit takes the socket with it (systemd.socket(5)). */
function closingPort(service: Service, expected: string): Answer[] {
  const { facts } = service;
  if (facts.loadState !== 'loaded' || !isLimited(service)) return [];
  const observed = `${describe(service)} of ${facts.unit}, then its socket is closed`;
  return [fail(observed, expected, write(facts, 'Unit', 'StartLimitIntervalSec=0'))];
}

function triggersOf({ sockets, main }: Patient, expected: string): Answer[] {
  const limited = sockets.filter(({ triggerBurst, triggerIntervalMs }) => triggerBurst > 0 && triggerIntervalMs > 0);
  return limited.map(({ unit, triggerBurst, triggerIntervalMs }) =>
    warn(
      `${unit} is closed after ${triggerBurst} activations in ${triggerIntervalMs / 1000} s, as by a build that exits at once`,
      expected,
      write({ unit, manager: main.facts.manager }, 'Socket', 'TriggerLimitIntervalSec=0'),
    ),
  );
}

/** Each start of a deploy clears the limit first; what it does when it is hit, and the starts by hand, are left. */
function blockingRollback({ main, setup }: Patient, expected: string): Answer[] {
  const { facts } = main;
  const found: Answer[] = [];
  if (!isLimited(main)) return found;
  if (facts.startLimitBurst < leastStarts) {
    const observed = `${describe(main)}: a crash and the way back use it up, and a start by hand is refused`;
    found.push(warn(observed, expected, write(facts, 'Unit', 'StartLimitBurst=5')));
  }
  if (setup.startLimitAction !== 'none') {
    const observed = `StartLimitAction=${setup.startLimitAction}: a build that crashes does this to the machine`;
    found.push(warn(observed, expected, write(facts, 'Unit', 'StartLimitAction=none')));
  }
  return found;
}

function refusalsOf({ main: { facts }, setup }: Patient, expected: string): Answer[] {
  const found: Answer[] = [];
  const refused = (setting: string): Answer =>
    fail(`${setting}=yes: no deploy and no rollback`, expected, write(facts, 'Unit', `${setting}=no`));
  if (setup.refusesStart) found.push(refused('RefuseManualStart'));
  if (setup.refusesStop) found.push(refused('RefuseManualStop'));
  return found;
}
