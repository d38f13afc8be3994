import type { Redact } from '../base/redactor.ts';
import { sleep, withDeadline } from '../base/wait.ts';
import type { OptionsOfKind } from '../config/check-options.ts';
import type { CheckConfig, TargetConfig } from '../config/model.ts';
import { redactText } from '../config/secrets.ts';
import { type Answer, answerOf, type Check } from './check.ts';
import type { Kind, KindSubject } from './kinds/kind.ts';

/** Before a deploy, right after it, or by the monitor in between. */
export type Occasion = CheckConfig['when'][number];

/** A question of the configuration, ready to be asked. */
export interface ConfiguredCheck extends Check {
  /** it asks the running service itself */
  isAboutService: boolean;
}

/** What the questions are asked about, and with. */
export interface ConfiguredSubject extends KindSubject {
  /** takes the secrets that are known out of a text */
  redact: Redact;
}

type AnyKind = Kind<CheckConfig['options']>;

/** What has no time of its own in the configuration has answered within this. */
const defaultTimeoutMs = 30_000;
/** What ends at its own deadline needs a moment to end, as a command that ignores SIGTERM does. */
const afterOwnTimeoutMs = 15_000;

/** Whether anything is configured to be asked then. */
export function isAnyConfigured({ checks }: Pick<TargetConfig, 'checks'>, occasion: Occasion): boolean {
  return checks.some(({ when }) => when.includes(occasion));
}

/** The configured questions of an occasion, in the order of the file. */
export async function configuredChecks(occasion: Occasion, subject: ConfiguredSubject): Promise<ConfiguredCheck[]> {
  const { target } = subject.context;
  const chosen = target.checks.filter(({ when }) => when.includes(occasion));
  if (chosen.length === 0) return [];
  // Most of them are never needed: whoever configures no check does not wait for their code.
  const { kinds } = await import('./kinds.ts');
  return chosen.map((check) => {
    // The rows of the schema saw to it that the options are those of the kind.
    const kind = kinds[check.kind as keyof OptionsOfKind] as unknown as AnyKind;
    return {
      name: check.name,
      ask: () => (occasion === 'after' ? askUntilUp(kind, check, subject) : askOnce(kind, check, subject)),
      isAboutService: kind.isAboutService?.(check.options, target) ?? false,
    };
  });
}

/** Right after a start the last worker may still be on its way: what can come up has as long as the gate gives. */
async function askUntilUp(kind: AnyKind, check: CheckConfig, subject: ConfiguredSubject): Promise<Answer> {
  const { attempts, intervalMs } = subject.context.target.health;
  for (let left = attempts - 1; ; left -= 1) {
    const answer = await askOnce(kind, check, subject);
    if (answer.status === 'pass' || !kind.mayComeUp || left <= 0) return answer;
    await sleep(intervalMs, subject.signal);
  }
}

async function askOnce(kind: AnyKind, check: CheckConfig, subject: ConfiguredSubject): Promise<Answer> {
  const { timeoutMs } = check.options;
  const most = typeof timeoutMs === 'number' ? timeoutMs + afterOwnTimeoutMs : defaultTimeoutMs;
  const deadline = { what: 'no answer came', timeoutMs: most, signal: subject.signal };
  const answer = await answerOf(() =>
    withDeadline(deadline, (signal) => kind.ask(check.options, { ...subject, signal })),
  );
  subject.signal.throwIfAborted();
  const shown = withoutSecrets(answer, (text) => redactText(subject.redact(text)));
  return check.severity === 'warn' ? softened(shown) : shown;
}

function withoutSecrets({ findings, ...answer }: Answer, redact: Redact): Answer {
  const clean = <T extends Pick<Answer, 'observed' | 'expected' | 'mend'>>(one: T): T => {
    const { observed, expected, mend } = one;
    return { ...one, observed: redact(observed), expected: redact(expected), mend: mend && redact(mend) };
  };
  return { ...clean(answer), ...(findings ? { findings: findings.map(clean) } : {}) };
}

/** The same answer as a warning. */
export function softened(answer: Answer): Answer {
  return answer.status === 'fail' ? { ...answer, status: 'warn' } : answer;
}
