import { type Answer, fail, pass, warn } from '../check.ts';
import { takeOut } from './mend.ts';
import { isShared, type Patient, type Relations, type Rule } from './patient.ts';

const expected = 'units of the socket that start and stop on their own';

/** What takes a unit along when another one is restarted. */
const bound = [
  ['PartOf', 'partOf'],
  ['BindsTo', 'bindsTo'],
  ['Requires', 'requires'],
] as const;

interface Member {
  unit: string;
  relations: Relations;
}

/** No unit of a socket may stop another one: a deploy restarts one service while another one, or the socket, serves. */
export const together: Rule = {
  name: 'together',
  appliesTo: isShared,
  ask: (patient) => {
    const services = patient.services.map(({ facts, relations }) => ({ unit: facts.unit, relations }));
    const members: Member[] = [...services, ...patient.sockets];
    const found = members.flatMap((member) => problemsOf(member, members, patient));
    return found.length > 0 ? found : [pass(members.map(({ unit }) => unit).join(', '), expected)];
  },
};

function problemsOf({ unit, relations }: Member, members: readonly Member[], { main }: Patient): Answer[] {
  const { manager } = main.facts;
  const others = members.map((member) => member.unit).filter((other) => other !== unit);
  return others.flatMap((other) => {
    const found: Answer[] = [];
    const mend = (setting: string): string => takeOut({ unit, manager }, setting, other);
    if (relations.conflicts.includes(other)) {
      found.push(fail(`Conflicts=${other} in ${unit}: they never run together`, expected, mend('Conflicts')));
    }
    for (const [setting, key] of bound) {
      if (!relations[key].includes(other)) continue;
      // A deploy never touches the socket: only what follows a service goes along.
      if (!other.endsWith('.socket')) {
        const observed = `${setting}=${other} in ${unit}: each restart of ${other} takes it along`;
        found.push(fail(observed, expected, mend(setting)));
      } else if (setting === 'PartOf') {
        found.push(warn(`PartOf=${other} in ${unit}: who stops the socket stops it too`, expected, mend(setting)));
      }
    }
    return found;
  });
}
