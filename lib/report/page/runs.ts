import type { Redact } from '../../base/redactor.ts';
import { redactSentences } from '../../base/redactor.ts';
import type { ManagerKind } from '../../config/model.ts';
import { asTypedElsewhere } from '../typed-elsewhere.ts';
import { nextCommands, sentenceAlone, type ToldRun } from '../words.ts';
import type { ShownBuild, ShownRun } from './model.ts';

/** What is to be known besides, to tell of a run. */
interface About {
  manager: ManagerKind;
  redact: Redact;
  /** the file of the configuration; null: there is none */
  config: string | null;
}

/** A run that has ended, as the page shows it. Its ledger may be of an earlier version. */
export function shownRun(document: ToldRun, { redact, ...about }: About): ShownRun {
  const { run, kind, outcome, from, to, active, revision, branch, started_at, duration_ms } = document;
  const { downtime_ms, longest_wait_ms, steps, failure, cause = null } = document;
  return {
    run: run ?? '',
    kind,
    outcome,
    from,
    to,
    active,
    revision: revision ?? null,
    branch: branch ?? null,
    started_at,
    duration_ms,
    downtime_ms,
    longest_wait_ms: longest_wait_ms ?? null,
    steps: redactSentences(steps, redact) as ShownRun['steps'],
    failure: redactSentences(failure, redact) as ShownRun['failure'],
    cause: redactSentences(cause, redact) as ShownRun['cause'],
    sentence: redact(sentenceAlone(document)),
    next: nextAfter(document, about),
  };
}

function nextAfter(document: ToldRun, { manager, config }: Pick<About, 'manager' | 'config'>): string[] {
  return commandsAfter(document, manager).map((command) => asTypedElsewhere(command, config));
}

/** Also after a run that changed nothing there is something to read. */
function commandsAfter(document: ToldRun, manager: ManagerKind): string[] {
  const { outcome, target, checks, run } = document;
  if (outcome === 'refused' && checks.some(({ status }) => status === 'fail')) return [`cutover check ${target}`];
  if (outcome === 'refused' || outcome === 'interrupted') return [`cutover report ${target} ${run}`];
  return nextCommands(document, manager);
}

/** When the build came that serves; null: no run that is known brought it. @param runs newest first */
export function servesSince(runs: readonly ShownRun[], current: string | null): ShownBuild['since'] {
  const brought = runs.find(({ outcome, active, from, kind }) => {
    return outcome === 'deployed' && active === current && from !== current && kind !== 'recovery';
  });
  if (!brought || current === null) return null;
  return new Date(Date.parse(brought.started_at) + brought.duration_ms).toISOString();
}
