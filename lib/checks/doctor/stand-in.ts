import { join } from 'node:path';
import { unitPathText } from '../../systemd/unit-text.ts';
import { type Answer, fail, pass } from '../check.ts';
import { fileOf, write } from './mend.ts';
import type { Patient, Rule } from './patient.ts';

const expected = 'a template that runs the build it is named after, on the same socket';

/** The template in which a candidate comes up beside the main unit. */
export const standIn: Rule = {
  name: 'stand_in',
  appliesTo: (patient) => patient.standIn !== null,
  ask: (patient) => {
    const { facts } = patient.standIn ?? patient.main;
    if (facts.loadState !== 'loaded') return [missing(patient)];
    const found = [...onSocket(patient), ...inBuild(patient), ...asUser(patient)];
    return found.length > 0 ? found : [pass(fileOf(facts.unit), expected)];
  },
};

function missing({ standIn: service, main, sockets, target }: Patient): Answer {
  const { unit, manager, loadState } = (service ?? main).facts;
  const lines = [`Sockets=${sockets[0]?.unit ?? ''}`, directoryLine(target.builds), 'NonBlocking=yes', 'Restart=no'];
  const mend = write({ unit, manager }, 'Service', ...lines, `ExecStart= of ${main.facts.unit}`);
  const observed = loadState === 'not-found' ? `there is no ${fileOf(unit)}` : `${fileOf(unit)}: ${loadState}`;
  return fail(observed, expected, mend.replace(' edit ', ' edit --force --full '));
}

function onSocket({ standIn: service, main, sockets }: Patient): Answer[] {
  const { facts } = service ?? main;
  const foreign = sockets.filter(({ unit }) => !facts.triggeredBy.includes(unit));
  return foreign.map(({ unit }) =>
    fail(`${fileOf(facts.unit)} does not share ${unit}`, expected, write(facts, 'Service', `Sockets=${unit}`)),
  );
}

function inBuild({ standIn: service, main, target, buildsPaths }: Patient): Answer[] {
  const { facts } = service ?? main;
  const directory = facts.workingDirectory ?? '/';
  const instance = facts.unit.slice(facts.unit.indexOf('@') + 1).replace(/\.service$/, '');
  const isInside = buildsPaths.some((path) => `${directory}/`.startsWith(`${join(path, instance)}/`));
  if (isInside) return [];
  const observed = `${fileOf(facts.unit)} would run ${instance} in ${directory.replace(/^!/, '-')}`;
  return [fail(observed, expected, write(facts, 'Service', directoryLine(target.builds)))];
}

/** systemd takes the directories of a service away from it when another user that it makes is to have them. */
function asUser({ standIn: service, main, setup }: Patient): Answer[] {
  const { facts, isDynamic } = service ?? main;
  const isApart = (isDynamic || main.isDynamic) && facts.user !== main.facts.user;
  if (!isApart || setup.ownDirectories.length === 0) return [];
  const user = main.facts.user ?? 'root';
  const observed = `DynamicUser=yes: ${fileOf(facts.unit)} would run as ${facts.user ?? 'root'}, ${main.facts.unit} runs as ${user}, and its directory ${setup.ownDirectories[0]} would go to the other`;
  const both = `${write(main.facts, 'Service', `User=${user}`)}\nand the same for ${fileOf(facts.unit)}`;
  return [fail(observed, expected, both)];
}

function directoryLine(builds: string): string {
  return `WorkingDirectory=${unitPathText(builds)}/%i`;
}
