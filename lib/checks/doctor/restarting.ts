import { type Answer, fail, pass, warn } from '../check.ts';
import { takeOut, write } from './mend.ts';
import type { Patient, Rule } from './patient.ts';

const expected = 'a restart that does not get in the way of a deploy';

/** Restarts by systemd that fight with the ones of a deploy. */
export const restarting: Rule = {
  name: 'restarting',
  appliesTo: () => true,
  ask: (patient) => {
    const found = [...inMain(patient), ...inStandIn(patient)];
    return found.length > 0 ? found : [pass(`Restart=${patient.main.facts.restart}`, expected)];
  },
};

function inMain({ main: { facts }, setup }: Patient): Answer[] {
  const found = setup.upheldBy.map((other) =>
    warn(
      `${other} starts ${facts.unit} again as soon as it stops`,
      expected,
      takeOut({ ...facts, unit: other }, 'Upholds', facts.unit),
    ),
  );
  if (facts.restart !== 'no' && setup.restartDelayMs === 0) {
    const observed = `Restart=${facts.restart} without a pause: a crash uses up the start limit within milliseconds`;
    found.push(warn(observed, expected, write(facts, 'Service', 'RestartSec=1s')));
  }
  return found;
}

/** A stand-in that comes back by itself would go on serving a build that was refused. */
function inStandIn({ standIn }: Patient): Answer[] {
  if (standIn?.facts.loadState !== 'loaded' || standIn.facts.restart === 'no') return [];
  const { facts } = standIn;
  return [fail(`Restart=${facts.restart} in ${facts.unit}`, expected, write(facts, 'Service', 'Restart=no'))];
}
