import { basename, dirname, join } from 'node:path';
import { CutoverError } from '../../base/errors.ts';
import { shellWord } from '../../base/shell-words.ts';
import type { CurrentLink } from '../../builds/current.ts';
import { buildIdFor, currentName } from '../../builds/layout.ts';
import type { ManagerKind } from '../../config/model.ts';
import { lineOf, type UnitCommand } from '../../systemd/commands.ts';
import { systemctl } from '../../systemd/typed.ts';
import { unitPathText } from '../../systemd/unit-text.ts';
import { namesFor } from './names.ts';
import { pathsIn, type SeenUnit } from './unit.ts';

const indent = '\n     ';
const script = /\.(?:[cm]?[jt]s|py|rb|php|pl|sh|jar|dll|exs?)$/;
/** Directories that hold more than one application, the machine's own, or somebody's data: they are no build. */
export const common =
  /^\/([^/]*|home\/[^/]+|(usr|etc|tmp|run|dev|proc|sys|boot|lib\w*)\/.*|var\/(?!www\/).*|.*\/s?bin)$/;
/** Interpreters and the like, which stay where they are. */
const ofMachine = /^\/(usr\/(?!local\/)|bin\/|sbin\/|lib\w*\/)/;
const unknown = 'PATH-OF-THE-PROGRAM';
const warning = '# what the service itself writes (databases, uploads) belongs outside of builds: see builds-layout.md';

/** The refusal of a unit that runs in a plain directory: how its files become the first build. */
export function movingIn(
  unit: SeenUnit,
  { said, manager }: { said: string | undefined; manager: ManagerKind },
): CutoverError {
  const { unit: name } = unit.facts;
  const source = sourceOf(unit);
  const builds = said ?? (source === null ? `/srv/${namesFor(name).app}/builds` : `${source}-builds`);
  const build = join(builds, buildIdFor(new Date()));
  const current = join(builds, currentName);
  const copy = [`mkdir -p ${shellWord(builds)}`, `cp -a ${shellWord(source ?? '')} ${shellWord(build)}`];
  const commands = [
    systemctl(manager, `stop ${name}`),
    ...(source === null ? [`mkdir -p ${shellWord(build)}`, '# copy the software there'] : copy),
    `ln -s ${basename(build)} ${shellWord(current)}`,
    systemctl(manager, `edit ${name}   # with these lines:`),
    ...unitLines(unit, { source, current }).map((line) => `    ${line}`),
    systemctl(manager, `start ${name}`),
  ];
  const where = source === null ? 'runs outside of any builds directory' : `runs in ${source}, a plain directory`;
  const what = `${name} ${where}; cutover moves a link named ${currentName}, which the unit has to name`;
  return refusal(what, { commands, name, manager, isAdoptable: source !== null && source === unit.directory });
}

/** The refusal of a `current` that is no link to a build: how it becomes one. */
export function renaming(
  { facts }: SeenUnit,
  { builds, link, manager }: { builds: string; link: Exclude<CurrentLink, { build: string }>; manager: ManagerKind },
): CutoverError {
  const { unit: name } = facts;
  const build = join(builds, buildIdFor(new Date()));
  const [current, spare] = [currentName, `${currentName}.new`].map((entry) => shellWord(join(builds, entry)));
  const isDirectory = link.state === 'not_a_link' && link.kind === 'directory';
  const path = 'path' in link ? link.path : join(builds, currentName);
  const point = isDirectory
    ? [`mv ${current} ${shellWord(build)}`, `ln -s ${basename(build)} ${current}`]
    : [
        `cp -a ${shellWord(path)} ${shellWord(build)}`,
        `ln -s ${basename(build)} ${spare} && mv -T ${spare} ${current}`,
      ];
  const found = link.state === 'not_a_link' ? `is a ${link.kind}` : `leads to ${path}`;
  const what = `${join(builds, currentName)} ${found}; it has to be a link to a build beside it (dist.YYYYMMDD-HHMMSS)`;
  return refusal(what, { commands: [...point, systemctl(manager, `restart ${name}`)], name, manager });
}

function refusal(
  what: string,
  {
    commands,
    name,
    manager,
    isAdoptable = false,
  }: { commands: string[]; name: string; manager: ManagerKind; isAdoptable?: boolean },
): CutoverError {
  const again = `cutover init ${name}${manager === 'user' ? ' --user' : ''}`;
  const byHand = 'these commands make what runs now the first build (nothing was written or changed):';
  const first = isAdoptable ? `${again} --adopt does it with one restart; by hand, ${byHand}` : byHand;
  return new CutoverError('refused', what, { mend: [first, warning, ...commands, again].join(indent) });
}

/**
 * The directory that holds the software now; null where none can be told, or where it holds other things too. It is
 * copied, never moved: what a command line names may as well be data.
 */
function sourceOf({ directory, commands }: SeenUnit): string | null {
  const scripts = commands.flatMap(({ argv }) => argv.slice(1).flatMap(pathsIn)).filter((path) => script.test(path));
  const files = [...scripts, ...commands.flatMap(({ argv }) => argv.slice(0, 1).flatMap(pathsIn))];
  const places = [directory, ...files.map((path) => dirname(path))];
  return places.find((place): place is string => place !== null && !common.test(place)) ?? null;
}

/** What the unit has to say. A new line for one command takes the others back, so all of them are said anew. */
function unitLines({ commands }: SeenUnit, { source, current }: { source: string | null; current: string }): string[] {
  const lines = ['[Service]', `WorkingDirectory=${unitPathText(current)}`];
  const changed = commands.map((command) =>
    source === null ? toBeFilledIn(command, current) : lineOf(command, (word) => withPath(word, source, current)),
  );
  if (changed.every((line, at) => line === lineOf(commands[at] ?? { argv: [] }))) return lines;
  const reminder = source === null ? [`# fill in where the program lies in the build, for ${unknown}`] : [];
  return [...lines, ...reminder, 'ExecStart=', ...changed.map((line) => `ExecStart=${line}`)];
}

/** A program that is not the machine's own is part of what is deployed, and nobody knows where in it. */
function toBeFilledIn(command: UnitCommand, current: string): string {
  const [file = '', ...args] = command.argv;
  const isOwn = !ofMachine.test(file);
  return lineOf(isOwn ? { ...command, argv: [join(current, unknown), ...args] } : command);
}

/** The word with another path for `source`, where that stands as a whole or with something below it. */
function withPath(word: string, source: string, current: string): string {
  return word
    .split(source)
    .reduce((before, after) => before + (/^(\/|$|[\s"';:])/.test(after) ? current : source) + after);
}
