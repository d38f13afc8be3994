import { hostname } from 'node:os';
import { isatty } from 'node:tty';
import { text } from 'node:stream/consumers';
import { CutoverError } from '../base/errors.ts';
import { shellLine } from '../base/shell-words.ts';
import { configOption } from '../deployer/init/places.ts';
import type { Config } from '../config/model.ts';
import { targetNamed } from '../deployer/place.ts';
import { shortName } from '../deployer/source.ts';
import { plainColours } from '../report/plain.ts';
import {
  deployPush,
  noLineOfGit,
  type Push,
  type PushedBranch,
  type Pushed,
  readPush,
} from '../triggers/post-receive.ts';
import { endOf, worstOf } from '../triggers/post-receive-words.ts';
import type { GlobalOptions, Run, Terminal } from './command.ts';
import { deployPushed, type HookResult } from './hook-deploy.ts';
import { forgetRepository, repositoryIn } from './hook-repository.ts';
import { configFor } from './place.ts';
import { interruptSignal } from './signals.ts';
import { waitOption } from './waiting.ts';

const usualWaitMs = 10 * 60_000;

export const run: Run<{ wait?: string }> = async ([event, name], options, given) => {
  requireKnown(event);
  const terminal: Terminal = { ...given, colours: plainColours, isLive: false };
  const repository = await repositoryIn(terminal);
  forgetRepository(terminal.env);
  const waitMs = options.wait === undefined ? usualWaitMs : waitOption(options.wait, '10min');
  const config = await configFor(options, terminal);
  const targets = name === undefined ? Object.values(config.targets) : [targetNamed(config, name)];
  const push = ofGit(readPush(await pushedLines(), targets));
  if (!options.quiet) for (const { ref, why } of push.ignored) terminal.tell(`${ref}: ${why}\n`);
  const signal = interruptSignal();
  const left = push.branches.flatMap((pushed) => pushed.targets).length;
  const about = { config, repository, waitMs, options, terminal, signal, left };
  const deployOn = async (target: string, pushed: PushedBranch): Promise<HookResult> => {
    terminal.tell(`${pushed.branch} ${shortName(pushed.commit)} -> ${target}\n`);
    about.left -= 1;
    const result = await deployPushed(target, pushed, about);
    const again = await repeatCommand(pushed, { target, repository, config, terminal });
    for (const line of lastLines(target, result, again)) terminal.tell(`${line}\n`);
    return result;
  };
  const all = await deployPush(push.branches, { deployOn, isGood: (result) => result.isTaken });
  tellAll(all, push, { options, terminal });
  return worstOf(all.map(({ result }) => result?.exitCode ?? 0));
};

function requireKnown(event: string | undefined): void {
  if (event === 'post-receive') return;
  throw new CutoverError('usage', `cutover knows no hook "${event}"`, { mend: 'cutover hook post-receive' });
}

/** Git never writes anything else: whoever did asked for something, and is not to take silence for a deploy. */
function ofGit(push: Push): Push {
  const wrong = push.ignored.find(({ why }) => why === noLineOfGit);
  if (!wrong) return push;
  throw new CutoverError('usage', `"${wrong.ref.slice(0, 80)}" on standard input: ${wrong.why}`, {
    mend: "echo '- COMMIT refs/heads/BRANCH' | cutover hook post-receive",
  });
}

function pushedLines(): Promise<string> {
  if (!isatty(0)) return text(process.stdin);
  throw new CutoverError('usage', 'standard input is a terminal, and git was to tell there what was pushed', {
    mend: 'cutover init --git DIR',
  });
}

/** What an exit code would say, and what to type where nothing else was said. */
function lastLines(target: string, { exitCode, isTaken, isRepeatable }: HookResult, again: string): string[] {
  if (exitCode === 0) return [];
  const end = `${target}: ${endOf(exitCode)} (exit code ${exitCode})`;
  if (isTaken || !isRepeatable) return [end];
  return [end, '  -> mend it and push again; or the same commit once more:', `     ${again}`];
}

/** A push of what is there already starts no hook: this does, on the machine of the repository. */
async function repeatCommand(
  { branch, commit }: PushedBranch,
  {
    target,
    repository,
    config,
    terminal: { env, cwd },
  }: { target: string; repository: string; config: Config; terminal: Terminal },
): Promise<string> {
  const option = config.file === null ? '' : await configOption(config.file, { env, cwd });
  const line = shellLine(['echo', `- ${commit} refs/heads/${branch}`]);
  const place = shellLine(['cd', repository]);
  return `${place} && ${line} | cutover hook post-receive ${target}${option}    (on ${hostname()})`;
}

function tellAll(
  all: readonly Pushed<HookResult>[],
  { ignored }: Push,
  { options, terminal }: { options: GlobalOptions; terminal: Terminal },
): void {
  for (const { target, commit, result } of all) {
    if (result === null)
      terminal.tell(`${target}: left out, since the target before it did not take ${shortName(commit)}\n`);
  }
  if (!options.json) return;
  const targets = all.map(({ target, branch, commit, result }) => {
    const { exitCode = null, document = null, error = null } = result ?? {};
    return { target, branch, revision: commit, exit_code: exitCode, run: document, error };
  });
  terminal.print(JSON.stringify({ targets, ignored }));
}
