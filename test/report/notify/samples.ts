import type { ChannelConfig } from '../../../lib/config/model.ts';
import { type Bounds } from '../../../lib/report/notify/notify.ts';
import { type Notice, noticeOf } from '../../../lib/report/notify/notice.ts';
import type { RunDocument } from '../../../lib/run/document.ts';
import { documentWith, inputsOf } from '../../run/samples.ts';

export const where = { manager: 'system', host: 'web1', config: '/etc/cutover/cutover.toml' } as const;
export const everything = ['deployed', 'refused', 'rolled_back', 'failed', 'recovered', 'alert'];

/** The pauses are short; a test that stands still for a while is no reason to try again. */
export const quick: Bounds = { timeoutMs: 10_000, pausesMs: [20, 40], wholeMs: 30_000 };
/** For who never answers. */
export const hasty: Bounds = { ...quick, timeoutMs: 1_000 };

/** A run of a build whose source is known. */
export function runOf(changed: Partial<RunDocument> = {}): RunDocument {
  const inputs = inputsOf('20260203-151120-4f2a', { revision: '4f2a9c1', branch: 'main' });
  return documentWith(changed, inputs);
}

export function noticeWith(changed: Partial<RunDocument> = {}): Notice {
  const notice = noticeOf(runOf(changed), where);
  if (!notice) throw new Error('nobody is told of this');
  return notice;
}

/** A text of all that a channel's markup, and a terminal, might take for itself. */
export const hostile =
  '<b>&amp; *_`~|[x](http://evil) @everyone <!channel> <@123> \\ </b>\n\u001B[31mred\u202E \uD800 \0';

export function configOf(
  channel: ChannelConfig['channel'],
  options: Record<string, unknown>,
  on = everything,
): ChannelConfig {
  return { channel, on, options };
}
