import { hostname } from 'node:os';
import type { Config } from '../../config/model.ts';
import { bounded, naming, type Notice } from '../../report/notify/notice.ts';
import { asTypedElsewhere } from '../../report/typed-elsewhere.ts';
import type { ServeLog } from './log.ts';
import { isGivenUp, type ServeRequest } from './request.ts';

/** For so long it is told in the health: by then whoever looks has seen it, or nobody misses the push. */
const toldMs = 24 * 60 * 60_000;

type Nothing = Pick<
  ServeRequest,
  'id' | 'target' | 'branch' | 'revision' | 'provider' | 'queued_at' | 'ended_at' | 'run' | 'outcome' | 'error'
>;

/**
 * What the health says of a push that was accepted and never deployed.
 * @param config its file; `lastRunAt`: when the target's last run began: what is deployed since has it, or whoever deployed knows
 * @returns null: nothing
 */
export function nothingProblem(
  request: Nothing,
  { lastRunAt, nowMs, config }: { lastRunAt: string | null; nowMs: number; config: string | null },
): string | null {
  const { target, ended_at, error } = request;
  const endedMs = Date.parse(ended_at ?? '');
  if (isGivenUp(request) || !(nowMs - endedMs < toldMs)) return null;
  if (lastRunAt !== null && Date.parse(lastRunAt) > endedMs) return null;
  const command = asTypedElsewhere(`cutover deploy ${target}`, config);
  return `the last push to ${target} ${fateOf(request)}: ${error?.message}; deliver it again, or: ${command}`;
}

/** A request that got as far as a run may have changed something, and nobody knows what. */
function fateOf({ run }: Pick<ServeRequest, 'run'>): string {
  return run === null ? 'came to nothing' : 'may have come to nothing';
}

/** What people are told of it, who cannot see it anywhere else; null: somebody meant it. */
export function nothingNotice(
  request: Nothing,
  { app, host, config }: { app: string; host: string; config: string | null },
): Notice | null {
  const { id, target, branch, revision, provider, queued_at, run, error } = request;
  if (isGivenUp(request)) return null;
  const unchanged = `What was pushed was not deployed, and ${target} serves what it served`;
  const told = run === null ? unchanged : `What was pushed may not be in service on ${target}`;
  const facts: [string, string | null][] = [
    ['Revision', revision],
    ['Branch', branch],
    ['Pushed', `${queued_at}, by ${provider}`],
    ['Request', id],
    ['Run', run],
    ['Machine', host],
  ];
  return bounded({
    kind: 'failed',
    title: `🚨 a push ${fateOf(request)}: ${app} ${target}`,
    sentence: `${told}: ${error?.message}`,
    facts: facts.filter((fact): fact is [string, string] => fact[1] !== null),
    commands: naming(config, [...(error?.mend ? [error.mend] : []), `cutover deploy ${target}`]),
    document: { kind: 'request', outcome: 'failed', app, target, branch, revision, request: id, queued_at, run, error },
  });
}

/** Tells the channels of the configuration; what keeps them from being told is in the log. Never an error. */
export async function tellNothing(
  request: Nothing,
  { config, env, log, signal }: { config: Config; env: NodeJS.ProcessEnv; log: ServeLog; signal: AbortSignal },
): Promise<void> {
  const notice = nothingNotice(request, { app: config.app, host: hostname(), config: config.file });
  if (notice === null || config.notify.length === 0) return;
  const { notify, unattendedBounds } = await import('../../report/notify/notify.ts');
  const problems = await notify([notice], config.notify, { signal, env, bounds: unattendedBounds });
  for (const problem of problems) log.tell(4, problem);
}
