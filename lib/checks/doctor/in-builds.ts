import { dirname } from 'node:path';
import { currentPath, isBuildId } from '../../builds/layout.ts';
import { systemctl } from '../../systemd/typed.ts';
import { unitPathText } from '../../systemd/unit-text.ts';
import { fail, pass, warn } from '../check.ts';
import { write } from './mend.ts';
import type { Patient, Rule } from './patient.ts';
import { leadsInto } from './whereabouts.ts';

const expected = 'a service that runs what a deploy brings';

/**
 * A service that has nothing to do with the builds goes on with what it is, whatever is deployed: the gate would find that out,
 * when it has been stopped already. A program that goes there by itself is seen there.
 */
export const inBuilds: Rule = {
  name: 'in_builds',
  appliesTo: ({ target }) => target.health.identity,
  ask: (patient) => {
    const { main, target, buildsPaths, whereabouts } = patient;
    const { isNamed, running } = whereabouts;
    const { unit } = main.facts;
    if (isNamed || running?.some((path) => leadsInto(path, buildsPaths))) return [pass(target.builds, expected)];
    if (running === null) return [warn(`${unit} names nothing in ${target.builds}`, expected, mendFor(patient))];
    const observed = `${unit} runs in ${running[0]}, and names nothing in ${target.builds}`;
    return [fail(observed, expected, mendFor(patient))];
  },
};

function mendFor({ main: { facts }, target, whereabouts }: Patient): string {
  if (facts.needDaemonReload) return `${systemctl(facts.manager, 'daemon-reload')}, and again`;
  const lines = write(facts, 'Service', `WorkingDirectory=${unitPathText(currentPath(target.builds))}`);
  const others = (whereabouts.running ?? []).flatMap((path) => buildsAround(path) ?? [])[0];
  return others === undefined
    ? lines
    : `targets.${target.name}.builds = "${others}", if those are its builds; or ${lines}`;
}

/** The builds directory in which a path lies, by the name of a build in it; null: there is none. */
function buildsAround(path: string): string | null {
  const parts = path.split('/');
  const at = parts.findIndex((part) => isBuildId(part));
  return at < 2 ? null : dirname(parts.slice(0, at + 1).join('/'));
}
