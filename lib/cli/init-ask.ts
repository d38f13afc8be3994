import { CutoverError } from '../base/errors.ts';
import { openController } from '../base/wait.ts';
import { shellLine } from '../base/shell-words.ts';
import type { ManagerKind } from '../config/model.ts';
import type { Known } from '../config/template.ts';
import type { Candidate } from '../deployer/init/candidates.ts';
import { draftFor } from '../deployer/init/drafting.ts';
import { namesFor } from '../deployer/init/names.ts';
import { defaultConfigPath, type Surroundings } from '../deployer/init/places.ts';
import type { Systemd } from '../systemd/systemd.ts';
import { askOnTerminal } from './asking.ts';
import type { GlobalOptions } from './command.ts';
import { type InitFlags, readOptions } from './init-options.ts';

/** What was answered, as flags would have said it. */
export interface Answers {
  unit: string;
  options: InitFlags;
}

interface Asking {
  systemd: Systemd;
  manager: ManagerKind;
  surroundings: Surroundings;
  options: InitFlags & GlobalOptions;
}

/**
 * Asks for what flags can say, too, on the terminal. Each question has an answer already, and tells where that is from. The
 * end of the input is a no.
 * @returns null: nothing is to be done
 * @throws `interrupted` at Ctrl-C; what `draftFor` throws
 */
export async function ask(candidates: readonly Candidate[], asking: Asking): Promise<Answers | null> {
  return askOnTerminal((line) =>
    questions(candidates, asking, async (text, answer) => (await line(`${text} [${answer}] `)) || answer),
  );
}

/** Gives the answer; the one that there was already where nothing is typed. */
type Ask = (text: string, answer: string) => Promise<string>;

async function questions(candidates: readonly Candidate[], asking: Asking, one: Ask): Promise<Answers | null> {
  const { options } = asking;
  const chosen = await choose(candidates, one);
  if (chosen.layout === 'directory') return askToMove(chosen, options, one);
  const names = namesFor(chosen.unit, options.target === undefined ? undefined : String(options.target));
  const guessed = `guessed from the name of ${chosen.unit}`;
  const app = String(options.app ?? (await one(`what the software is called (${guessed})`, names.app)));
  const target = String(options.target ?? (await one(`what this place is called (${guessed})`, names.target)));
  const seen = chosen.ports.join(',') || 'none';
  const port = String(options.port ?? (await one('the port that clients use (it listens there now)', seen)));
  const said = { ...options, app, target, port };
  const url = await healthAddress(chosen.unit, said, asking, one);
  const path = String(options.output ?? options.config ?? defaultConfigPath(asking.surroundings));
  const install = isYes(await one('put in place what ends interrupted runs, too (cutover init --install)?', 'yes'));
  const answered = { ...said, ...(url === null ? {} : { url }), ...(install ? { install } : {}) };
  process.stderr.write(`as by: ${asTyped(chosen.unit, answered)}\n`);
  if (!isYes(await one(`write ${path}?`, 'yes'))) return null;
  return { unit: chosen.unit, options: answered };
}

/** Before anything else can be said of it, it needs a builds directory. */
async function askToMove(
  { unit, directory, problem }: Candidate,
  options: InitFlags,
  one: Ask,
): Promise<Answers | null> {
  const what = directory === null ? (problem ?? unit) : `${unit} runs in ${directory}, a plain directory`;
  const isWanted = isYes(await one(`${what}: make what lies there its first build, with one restart (--adopt)?`, 'no'));
  return isWanted ? { unit, options: { ...options, adopt: true } } : null;
}

async function choose(candidates: readonly Candidate[], one: Ask): Promise<Candidate> {
  const list = candidates.map(({ unit }, at) => `  ${at + 1}  ${unit}\n`).join('');
  const first = candidates.findIndex(({ problem }) => problem === null);
  const said = await one(`${list}which one (number or name)?`, String(Math.max(first, 0) + 1));
  const found =
    candidates[Number(said) - 1] ?? candidates.find(({ unit }) => unit === said || unit === `${said}.service`);
  if (found) return found;
  throw new CutoverError('usage', `${said} is none of them`, {
    mend: candidates.map(({ command }) => command).join('; or '),
  });
}

/** What answers now is what is proposed. */
async function healthAddress(
  unit: string,
  said: InitFlags,
  { systemd, manager, surroundings }: Asking,
  one: Ask,
): Promise<string | null> {
  if (said.url !== undefined) return null;
  const options = { ...readOptions(said, surroundings), manager };
  const path = options.output ?? defaultConfigPath(surroundings);
  const { signal } = openController();
  const { draft } = await draftFor(unit, options, { systemd, manager, path, env: surroundings.env, signal });
  const { value, note }: Known = draft.known['targets.NAME.health.url'] ?? {};
  const found = typeof value === 'string' ? value : 'none';
  const answer = await one(`the address that tells whether it is healthy (${note ?? 'none was found'})`, found);
  return answer === found && found !== 'none' ? null : answer;
}

function isYes(answer: string): boolean {
  return /^y(es)?$/i.test(answer);
}

function asTyped(unit: string, { app, target, port, url, install, user, builds, output }: InitFlags): string {
  const values = Object.entries({ app, target, port, url, builds, output }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  );
  return shellLine([
    'cutover',
    'init',
    unit,
    ...values,
    ...(user ? ['--user'] : []),
    ...(install ? ['--install'] : []),
  ]);
}
