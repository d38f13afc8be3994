import { currentName, isBuildId } from '../../builds/layout.ts';
import { commandLineOf } from '../../systemd/command-line.ts';
import { lineOf, type UnitCommand } from '../../systemd/commands.ts';
import { unitPathText } from '../../systemd/unit-text.ts';
import { type Answer, fail, pass, warn } from '../check.ts';
import { write } from './mend.ts';
import type { Patient, Rule } from './patient.ts';

const expected = 'builds named through current alone';

/** A unit that names a build by its own name goes on with that one, whatever is deployed. */
export const pinnedBuild: Rule = {
  name: 'pinned_build',
  appliesTo: () => true,
  ask: (patient) => {
    const found = [...inDirectory(patient), ...inCommands(patient), ...inEnvironment(patient)];
    return found.length > 0 ? found : [pass('no build is named', expected)];
  },
};

function inDirectory({ main: { facts }, buildsPaths }: Patient): Answer[] {
  const directory = facts.workingDirectory ?? '';
  const build = buildIn(directory, buildsPaths);
  if (build === null) return [];
  const line = `WorkingDirectory=${unitPathText(throughCurrent(directory.replace(/^!/, ''), build))}`;
  return [fail(`WorkingDirectory= names ${build}`, expected, write(facts, 'Service', line))];
}

/** Who writes one command of a setting anew takes all of them back, so all of them are told. */
function inCommands({ main: { facts }, setup, buildsPaths }: Patient): Answer[] {
  return [...new Set(setup.commands.map(({ setting }) => setting))].flatMap((setting) => {
    const commands = setup.commands.filter((command) => command.setting === setting);
    const found = commands.map((command) => ({ command, build: buildIn(command.argv.join(' '), buildsPaths) }));
    const first = found.find(({ build }) => build !== null)?.build;
    if (first === undefined) return [];
    const lines = found.map(({ command, build }) => `${setting}=${shownLine(command, build)}`);
    return [fail(`${setting}= names ${first}`, expected, write(facts, 'Service', `${setting}=`, ...lines))];
  });
}

function shownLine(command: UnitCommand, build: string | null): string {
  const isSecret = commandLineOf(command.argv, Number.POSITIVE_INFINITY).includes('[redacted]');
  if (!isSecret) return lineOf(command, (word) => (build === null ? word : throughCurrent(word, build)));
  return build === null ? 'the same command' : `the same command, with ${currentName} in place of ${build}`;
}

/** A path that is only handed on may be meant so. */
function inEnvironment({ main: { facts }, setup, buildsPaths }: Patient): Answer[] {
  return setup.environment.flatMap((entry) => {
    const build = buildIn(entry, buildsPaths);
    const name = entry.slice(0, entry.indexOf('='));
    if (build === null) return [];
    const line = `Environment=${name}=the same, with ${currentName} in place of ${build}`;
    return [warn(`${name} in Environment= names ${build}`, expected, write(facts, 'Service', line))];
  });
}

/** The first build that a text names by its path. */
function buildIn(text: string, buildsPaths: readonly string[]): string | null {
  for (const path of buildsPaths) {
    const [first = '', ...behind] = text.split(path);
    let before = first;
    for (const rest of behind) {
      const build = /^\/+(dist\.[\d-]+)(?![\w.-])/.exec(rest)?.[1] ?? '';
      // Within a longer path it would be another directory.
      if (isBuildId(build) && !/[\w.-]$/.test(before)) return build;
      before = rest;
    }
  }
  return null;
}

function throughCurrent(text: string, build: string): string {
  return text.replaceAll(`/${build}`, `/${currentName}`);
}
