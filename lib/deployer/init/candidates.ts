import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CutoverError, isCutoverError, messageOf } from '../../base/errors.ts';
import { isThere } from '../../base/files.ts';
import { shellLine } from '../../base/shell-words.ts';
import type { Config, ManagerKind } from '../../config/model.ts';
import { redactText } from '../../config/secrets.ts';
import type { Systemd } from '../../systemd/systemd.ts';
import { findBuilds } from './layout.ts';
import { lookAtUnit, type SeenUnit } from './unit.ts';

/** A service unit of this machine's owner that could be deployed to, as `--json` prints it. */
export interface Candidate {
  unit: string;
  /** its file */
  file: string;
  state: string;
  enabled: boolean;
  ports: number[];
  directory: string | null;
  /** what `ExecStart=` runs */
  program: string | null;
  /** `builds`: it runs in a link `current`; `directory`: in a plain one; `unknown`: systemd cannot load it, or it cannot be seen */
  layout: 'builds' | 'directory' | 'unknown';
  builds: string | null;
  repository: { remote: string | null; branch: string | null } | null;
  /** the target that it is in the configuration that is there; null: none */
  target: string | null;
  /** what stands in the way of `command`; null: nothing that could be seen */
  problem: string | null;
  /** what sets it up */
  command: string;
}

export interface Searching {
  systemd: Systemd;
  manager: ManagerKind;
  /** the manager's folder for units of the administrator */
  directory: string;
  /** the configuration that is there; null: none */
  config: Config | null;
}

/** Templates have no instance to look at, and what is ours is nobody's application. */
const passedOver = /@\.service$|^cutover-/;
const skippedStates = ['alias', 'masked', 'generated', 'transient', 'linked-runtime'];

/** Finds the services whose files somebody has put on this machine, those that run or are enabled. @throws `systemd_unavailable` */
export async function findCandidates(searching: Searching): Promise<Candidate[]> {
  const { systemd, directory } = searching;
  const [rows] = await systemd.call('ListUnitFilesByPatterns', 'asas', [[], ['*.service']]);
  const own = (rows as [string, string][]).filter(([path, state]) => {
    return dirname(path) === directory && !skippedStates.includes(state) && !passedOver.test(basename(path));
  });
  const found = await Promise.all(own.map(([path, state]) => candidateAt(path, state, searching)));
  const wanted = found.filter(({ enabled, state }) => enabled || state === 'active' || state === 'activating');
  return wanted.toSorted((a, b) => (a.unit < b.unit ? -1 : 1));
}

async function candidateAt(file: string, state: string, searching: Searching): Promise<Candidate> {
  const { manager, config } = searching;
  const unit = basename(file);
  const target = Object.values(config?.targets ?? {}).find((one) => one.unit === unit)?.name ?? null;
  const words = ['cutover', 'init', unit, ...(manager === 'user' ? ['--user'] : [])];
  const base = { unit, file, enabled: state.startsWith('enabled'), target, command: shellLine(words) };
  try {
    const seen = await lookInto(unit, searching);
    const isPlain = seen.layout === 'directory' && seen.directory !== null;
    return { ...base, ...seen, command: shellLine([...words, ...(isPlain ? ['--adopt'] : [])]) };
  } catch (error) {
    if (!isCutoverError(error)) throw error;
    const nothing = { state: 'unknown', ports: [], directory: null, program: null, builds: null, repository: null };
    return { ...base, ...nothing, layout: 'unknown', problem: messageOf(error) };
  }
}

type Seen = Omit<Candidate, 'unit' | 'file' | 'enabled' | 'target' | 'command'>;

async function lookInto(unit: string, { systemd, manager }: Searching): Promise<Seen> {
  const seen = await lookAtUnit(systemd, unit, manager);
  const ports = [...new Set(seen.listeners.map(({ port }) => port))].toSorted((a, b) => a - b);
  const laidOut = await layoutOf(seen, manager);
  return {
    state: seen.facts.activeState,
    ports,
    directory: seen.directory,
    program: seen.commands[0]?.argv[0] ?? null,
    ...laidOut,
    repository: seen.directory === null ? null : await repositoryAround(seen.directory),
  };
}

async function layoutOf(
  seen: SeenUnit,
  manager: ManagerKind,
): Promise<Pick<Candidate, 'layout' | 'builds' | 'problem'>> {
  try {
    const { builds } = await findBuilds(seen, { said: undefined, manager });
    return { layout: 'builds', builds, problem: null };
  } catch (error) {
    if (!(error instanceof CutoverError)) throw error;
    return { layout: 'directory', builds: null, problem: error.message };
  }
}

/**
 * The git checkout that a directory lies in. Its files are read as text: git itself runs what a repository's configuration
 * says, and this one may be anybody's.
 */
async function repositoryAround(directory: string): Promise<Candidate['repository']> {
  for (let at = directory; at !== dirname(at); at = dirname(at)) {
    if (!(await isThere(join(at, '.git')))) continue;
    const [config, head] = await Promise.all(['config', 'HEAD'].map((name) => textOrEmpty(join(at, '.git', name))));
    const remote = /^\[remote "[^"]*"\]\n(?:[ \t].*\n)*?[ \t]*url *= *(\S+)/m.exec(config ?? '')?.[1] ?? null;
    const branch = /^ref: refs\/heads\/(\S+)/.exec(head ?? '')?.[1] ?? null;
    return { remote: remote === null ? null : redactText(remote), branch };
  }
  return null;
}

async function textOrEmpty(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
