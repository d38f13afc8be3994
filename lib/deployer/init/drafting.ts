import type { CutoverError } from '../../base/errors.ts';
import type { Config, ManagerKind, TargetConfig } from '../../config/model.ts';
import { parseConfig } from '../../config/parse.ts';
import { findSecrets, redactText } from '../../config/secrets.ts';
import { type Draft, draftDocument, draftText } from '../../config/template.ts';
import type { Systemd } from '../../systemd/systemd.ts';
import { draftOf, type Findings, type Said } from './draft.ts';
import { existingConfig } from './existing.ts';
import type { PlannedFile } from './files.ts';
import { askHealth, findHealth } from './health.ts';
import { type FoundBuilds, findBuilds } from './layout.ts';
import { namesFor } from './names.ts';
import { choosePorts } from './port.ts';
import { lookAtUnit } from './unit.ts';

/** A configuration that is ready to be written. */
export interface Drafted {
  draft: Draft;
  config: Config;
  target: TargetConfig;
  file: PlannedFile;
  /** what the person should know besides */
  notes: string[];
}

interface Drafting {
  systemd: Systemd;
  manager: ManagerKind;
  /** where it will be written */
  path: string;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
  /** where its builds are to be; undefined: where the unit says */
  builds?: FoundBuilds | undefined;
}

/**
 * Makes a configuration from what systemd knows of a unit; changes nothing.
 * @throws `no_such_unit`, `unit_masked`, `refused` where something has to be changed or said first
 */
export async function draftFor(unit: string, said: Said, drafting: Drafting): Promise<Drafted> {
  const { manager, path, env } = drafting;
  const found = await findOut(unit, said, drafting);
  const draft = draftOf(found, said, manager);
  const document = draftDocument(draft);
  const mode = findSecrets(document).length > 0 ? 0o600 : 0o644;
  const config = parseConfig(document, path, { env, mode });
  const target = config.targets[draft.target] as TargetConfig;
  const text = draftText(draft, headOf(unit, manager));
  const refuse = (): Promise<CutoverError> => existingConfig({ path, draft, config });
  return { draft, config, target, file: { path, text, mode, refuse }, notes: notesOn(found, said) };
}

async function findOut(
  unit: string,
  said: Said,
  { systemd, manager, signal, ...drafting }: Drafting,
): Promise<Findings> {
  const seen = await lookAtUnit(systemd, unit, manager);
  const names = namesFor(unit, said.target);
  const builds = drafting.builds ?? (await findBuilds(seen, { said: said.builds, manager }));
  const ports = choosePorts(seen, { said: said.ports, manager });
  const own = ports.ports.flatMap((port) => seen.listeners.filter((listener) => listener.port === port));
  const asking = said.hasNoUrl
    ? Promise.resolve(null)
    : said.url === undefined
      ? findHealth(own, signal)
      : askHealth(said.url, signal);
  return { unit: seen, names: { ...names, app: said.app ?? names.app }, builds, ports, health: await asking };
}

function headOf(unit: string, manager: ManagerKind): string[] {
  return [
    `What cutover deploys, and how. \`cutover init ${unit}${manager === 'user' ? ' --user' : ''}\` wrote this from what systemd knows of the unit.`,
    '',
    'A line such as "#keep = 5" shows a key with its default, or with an example and what holds without it.',
    'What is marked "guessed" nobody has said: look at it once. After a change: cutover config --check',
  ];
}

function notesOn({ unit, builds, ports, health }: Findings, said: Said): string[] {
  const { unit: name } = unit.facts;
  const isDeaf = ports.ports.some((port) => !unit.listeners.some((listener) => listener.port === port));
  const state = unit.isRunning ? 'answered 2xx' : 'could be asked, since it is not running';
  const notes: [when: boolean, text: string][] = [
    [
      unit.mayLackDirectory,
      `WorkingDirectory= of ${name} begins with "-": when the link is wrong, it would start in /; take the "-" away`,
    ],
    [
      !builds.isProvable,
      `the process of ${name} does not run in current, hence identity = false; better: WorkingDirectory=${builds.builds}/current in the unit, and without that line`,
    ],
    [builds.link.state === 'missing', `there is no ${builds.builds}/current yet: the first deploy makes it`],
    [builds.link.state === 'dangling', `${builds.builds}/current leads to nothing: the check says what to do`],
    [unit.isRunning && !unit.isHidden && isDeaf, `${name} does not listen on port ${ports.ports.join(', ')} now`],
    [
      said.url === undefined && !said.hasNoUrl && !health,
      `no health address of ${name} ${state}: set health.url, or only the state of the unit is asked`,
    ],
    [said.url !== undefined && unit.isRunning && !health, `${redactText(said.url ?? '')} does not answer 2xx now`],
  ];
  return notes.filter(([when]) => when).map(([, text]) => text);
}
