import type { Redact } from '../base/redactor.ts';
import { runUserCommand, type UserCommandResult } from '../base/user-command.ts';
import { cannotStart } from '../checks/hook-start.ts';
import { type CommandContext, commandEnvironment } from '../config/command-environment.ts';
import type { HookConfig, HookName } from '../config/model.ts';
import { commandLineOf } from '../systemd/command-line.ts';
import type { Systemd } from '../systemd/systemd.ts';
import type { Emit } from './events.ts';
import { StepFailure } from './failure.ts';
import { type HookGroup, hookGroup } from './hook-group.ts';
import { hookOutput } from './hook-output.ts';

/** What a hook is run with; all of it is handed in. */
export interface HookTools {
  systemd: Systemd;
  emit: Emit;
  /** takes the secrets that are known out of what a hook says */
  redact: Redact;
  signal: AbortSignal;
}

/** The hooks of one stage. */
export interface HookStage {
  name: HookName;
  context: CommandContext;
  /** where a hook without a `dir` runs */
  dir: string;
  /** the run is over, and the next one may be at work beside it */
  isAfterwards?: boolean;
}

/** What the last hook of a stage left. */
export interface HookAnswer {
  /** the last line that it printed on stdout, with the secrets it may hold; null: it printed nothing */
  line: string | null;
  dir: string;
  /** whom it ran as; null: as we are */
  user: string | null;
}

const shownLines = 3;
const shownLength = 300;

/**
 * Runs the hooks of a stage, one after the other; the first that fails ends it. A hook has failed when it cannot be
 * started, exits with anything but 0 or is not over in time, and so is its fallback. Whatever it leaves running is ended.
 * @returns what the last one left
 * @throws `StepFailure` with reason `hook`; the signal's reason when aborted
 */
export async function runHooks(stage: HookStage, tools: HookTools): Promise<HookAnswer> {
  const { name, context, dir } = stage;
  let answer: HookAnswer = { line: null, dir, user: null };
  for (const hook of context.target.hooks[name] ?? []) {
    const place = hook.dir ?? dir;
    answer = { line: await runHook({ ...hook, dir: place }, stage, tools), dir: place, user: hook.user };
  }
  return answer;
}

async function runHook(hook: HookConfig, stage: HookStage, tools: HookTools): Promise<string | null> {
  const { name, context } = stage;
  const key = `targets.${context.target.name}.hooks.${name}`;
  const cannot = await cannotStart(hook, { key, dir: stage.dir, path: context.target.environment.PATH });
  if (cannot) throw new StepFailure('hook', `${cannot.problem} (type: ${cannot.mend})`);
  const first = await runOnce(hook.run, hook, { stage, tools });
  if (first.problem === null) return first.line;
  if (hook.fallback === null) throw new StepFailure('hook', first.problem);
  tools.emit({ type: 'note', message: `${name}: ${first.problem}; what it falls back to is run` });
  const second = await runOnce(hook.fallback, hook, { stage, tools });
  if (second.problem === null) return second.line;
  throw new StepFailure('hook', `${second.problem}; it was the fallback, and before it ${first.problem}`);
}

/** Runs a command to the end of all that it started. @returns its last line, and what went wrong or null */
async function runOnce(
  run: HookConfig['run'],
  { user, dir, timeoutMs }: HookConfig,
  { stage, tools }: { stage: HookStage; tools: HookTools },
): Promise<{ line: string | null; problem: string | null }> {
  const { name, context } = stage;
  const { emit, redact, systemd, signal } = tools;
  const output = hookOutput((line) => emit({ type: 'output', hook: name, line }), redact);
  const group = groupOf(stage, systemd);
  let result: UserCommandResult;
  let strays = 0;
  try {
    const env = commandEnvironment(context);
    const onLine = (line: string): void => output.take(line);
    const enter = (pid: number): Promise<void> => group.enter(pid);
    const maxOutput = Number.POSITIVE_INFINITY;
    result = await runUserCommand(run, { user, dir, env, timeoutMs, signal, onLine, maxOutput, enter });
  } finally {
    strays = await group.end();
    output.end();
  }
  if (strays > 0) emit({ type: 'note', message: `${name}: ${strays} processes that it left running were ended` });
  const problem = problemOf(result, timeoutMs);
  return { line: result.answer, problem: problem && redact(`"${textOf(run)}" ${problem}`) };
}

function groupOf({ context, isAfterwards }: HookStage, systemd: Systemd): HookGroup {
  const owner = { systemd, app: context.app, target: context.target.name };
  return hookGroup(isAfterwards ? { ...owner, run: context.run ?? '' } : owner);
}

function problemOf({ code, signal, isTimeout, lastLines, left }: UserCommandResult, timeoutMs: number): string | null {
  const pids = left.length === 0 ? '' : ` (still there: ${left.join(', ')})`;
  if (isTimeout) return `was not over after ${timeoutMs / 1000} s and was ended${pids}${said(lastLines)}`;
  if (code === 0) return null;
  return `${code === null ? `was ended by ${signal}` : `exited with ${code}`}${said(lastLines)}`;
}

/** The last of what it said, as one line. */
function said(lines: readonly string[]): string {
  const last = lines.filter((line) => line.trim() !== '').slice(-shownLines);
  const text = last.map((line) => line.trim()).join(' | ');
  return text === '' ? '' : `: ${text.length > shownLength ? `…${text.slice(-shownLength)}` : text}`;
}

/** A hook as its message names it. */
export function textOf(run: HookConfig['run']): string {
  return commandLineOf('shell' in run ? [run.shell] : run.command, 80);
}
