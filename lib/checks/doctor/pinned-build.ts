import { currentName, isBuildId } from '../../builds/layout.ts';
import { commandLineOf } from '../../systemd/command-line.ts';
import { unitPathText, unitWord } from '../../systemd/unit-text.ts';
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

function inCommands({ main: { facts }, setup, buildsPaths }: Patient): Answer[] {
  return setup.commands.flatMap(({ setting, argv }) => {
    const build = buildIn(argv.join(' '), buildsPaths);
    if (build === null) return [];
    // What systemd tells of a command has "%" filled in and "$" as it stands in the file.
    const line = argv.map((word) => unitWord(throughCurrent(word, build))).join(' ');
    const isSecret = commandLineOf(argv, Number.POSITIVE_INFINITY).includes('[redacted]');
    const shown = isSecret ? `the same command, with ${currentName} in place of ${build}` : line;
    return [
      fail(`${setting}= names ${build}`, expected, write(facts, 'Service', `${setting}=`, `${setting}=${shown}`)),
    ];
  });
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
