import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type Command, start, type StartedProcess } from '../base/exec.ts';
import { ownExecutable } from '../base/own-files.ts';
import type { TargetConfig } from '../config/model.ts';
import type { Attempt } from '../deployer/recover/attempt.ts';
import type { Look } from '../deployer/recover/look.ts';
import type { GlobalOptions } from './command.ts';
import { boundAttempt, type Deadline } from './recover-deadline.ts';

/** What an attempt in a process of its own needs to know. */
export interface AttemptRequest {
  options: GlobalOptions;
  /** the configuration file */
  file: string | null;
  isLast: boolean;
  /** the id of the whole recovery */
  recovery: string;
  /** passes an interruption on: it ends in its own good time */
  signal: AbortSignal;
  /** told each line on the way */
  onLine: (line: string) => void;
  look: (target: TargetConfig) => Promise<Look>;
  deadline: Deadline;
}

/**
 * Tries to bring a target back in a process of its own, which keeps its scope, its lock and its log.
 * @returns what it came to as soon as that is known, and the end of the process, which may tell others still
 */
export async function attemptApart(
  target: TargetConfig,
  request: AttemptRequest,
): Promise<{ attempt: Attempt; ended: Promise<unknown> }> {
  const { signal, onLine } = request;
  const began = performance.now();
  const child = await start(commandOf(target.name, request));
  const forward = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', forward, { once: true });
  if (signal.aborted) forward();
  const bound = boundAttempt(child, request.deadline);
  const telling = eachLine(child.stderr, onLine);
  const ended = Promise.all([telling, child.ended]).finally(() => signal.removeEventListener('abort', forward));
  const answer = await answerOf(child).finally(bound.stop);
  const late = bound.told() === null ? [] : [bound.told() as string];
  if (answer && 'target' in answer) return { attempt: { ...answer, findings: [...answer.findings, ...late] }, ended };
  await ended;
  const { code, signal: endedBy } = await child.ended;
  const how = answer?.error.message ?? (endedBy === null ? `exit code ${code}` : `it was ended by ${endedBy}`);
  const attempt = withoutAnswer(target, await request.look(target), how);
  const findings = [...late, ...attempt.findings];
  return { attempt: { ...attempt, findings, duration_ms: Math.round(performance.now() - began) }, ended };
}

function commandOf(target: string, { options, file, isLast, recovery }: AttemptRequest): Command {
  const flags = [
    ...(file === null ? [] : ['--config', file]),
    ...(isLast ? ['--last'] : []),
    `--recovery=${recovery}`,
    ...(options.verbose ? ['--verbose'] : []),
    ...(options.quiet ? ['--quiet'] : []),
  ];
  return [process.execPath, ownExecutable(), 'recover-one', target, '--json', ...flags];
}

/** The document comes before the process's end: it tells others afterwards. Null: none came. */
async function answerOf({ stdout }: StartedProcess): Promise<Attempt | { error: { message: string } } | null> {
  const lines = createInterface({ input: stdout });
  const answer = await Promise.race([once(lines, 'line'), once(lines, 'close')]);
  const [line] = answer as [string?];
  return line === undefined ? null : (JSON.parse(line) as Attempt | { error: { message: string } });
}

function eachLine(stream: StartedProcess['stderr'], take: (line: string) => void): Promise<unknown> {
  const lines = createInterface({ input: stream }).on('line', take);
  return once(lines, 'close');
}

/** A process that died says nothing: systemd ends its run, and what is seen of the service counts. */
function withoutAnswer({ name: target, unit }: TargetConfig, { glance }: Look, how: string): Attempt {
  const next = glance.healthy ? null : `cutover status ${target}`;
  const findings = [`the attempt came to no end: ${how}`];
  const nothing = { actions: [], run: null, document: null, duration_ms: 0, isHopeless: false };
  return { target, unit, before: glance, after: glance, findings, next, ...nothing };
}
