import { hostname } from 'node:os';
import { messageOf } from '../base/errors.ts';
import { redactSentences } from '../base/redactor.ts';
import { loadConfig } from '../config/load.ts';
import type { ChannelConfig } from '../config/model.ts';
import type { RunDocument } from '../run/document.ts';
import { guardedVariable } from '../run/hold.ts';
import type { CommandPlace } from './place.ts';
import { interruptSignal } from './signals.ts';

/** Then whoever waits at a terminal is told why. */
const silentMs = 1_000;

/**
 * Tells the channels of an outcome, after the runs that were ended before it, without the secrets of the configuration. It changes
 * nothing, the exit code included: a channel that cannot be told is a note. A process that is killed now tells nobody: the outcome
 * is in the ledger and in the log.
 */
export async function notifyAfterwards(
  ended: readonly RunDocument[],
  { config, emit, redact }: Pick<CommandPlace, 'config' | 'emit' | 'redact'>,
  { channels, env }: { channels: readonly ChannelConfig[]; env: NodeJS.ProcessEnv },
): Promise<void> {
  if (ended.length === 0 || channels.length === 0) return;
  const { notify, unattendedBounds, usualBounds } = await import('../report/notify/notify.ts');
  const { noticeOf } = await import('../report/notify/notice.ts');
  const where = { manager: config.manager, host: hostname(), config: config.file };
  const told = redactSentences(ended, redact) as RunDocument[];
  const notices = told.flatMap((one) => noticeOf(one, where) ?? []);
  const say = (message: string): void => emit({ type: 'note', message });
  const timer = setTimeout(() => say('others are being told; Ctrl-C ends the wait'), silentMs);
  try {
    // Of its own: a run that was interrupted is told of, too.
    const bounds = env[guardedVariable] ? unattendedBounds : usualBounds;
    const problems = await notify(notices, channels, { signal: interruptSignal(), env, bounds });
    for (const problem of problems) say(problem);
  } finally {
    clearTimeout(timer);
  }
}

/** Whom to tell of a run whose configuration is known by its place alone, and where its metrics go. */
export async function listenersIn({
  config,
  emit,
}: Pick<CommandPlace, 'config' | 'emit'>): Promise<{ channels: ChannelConfig[]; metrics: string | null }> {
  if (config.file === null) return { channels: [], metrics: null };
  try {
    const { notify: channels, metrics } = await loadConfig(config.file);
    return { channels, metrics };
  } catch (error) {
    const [fact] = messageOf(error).split('\n');
    emit({ type: 'note', message: `nobody was told, since the configuration cannot be used: ${fact}` });
    return { channels: [], metrics: null };
  }
}
