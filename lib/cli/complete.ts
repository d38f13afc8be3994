import { setTimeout as sleep } from 'node:timers/promises';
import type { Run } from './command.ts';
import { commands } from './commands.ts';
import { type Answer, answerTo } from './completion/candidates.ts';
import { lookAround } from './completion/known.ts';
import { splitLine } from './completion/line.ts';
import { wantedAt } from './completion/wanted.ts';

/** Somebody holds a key down and waits: a disk that does not answer has nothing to offer. */
const deadlineMs = 5_000;

/**
 * What a shell asks for at each press of the key. First a line with what the shell adds (`words`: nothing, `files`,
 * `directories`) and the word as far as it was typed; then a line for each word that is offered, with its description behind a
 * tab. Silent about everything that is wrong.
 */
export const run: Run = async ([form, ...given], _options, terminal) => {
  const { words, isRedirection } =
    form === 'line' ? splitLine(given.join(' ')) : { words: given, isRedirection: false };
  const nothing: Answer = { beside: isRedirection ? 'files' : 'words', candidates: [] };
  const late = new AbortController();
  const deadline = sleep(deadlineMs, null, { signal: late.signal }).catch(() => null);
  const work = isRedirection ? nothing : answerTo(wantedAt(words, commands), commands, lookAround(terminal));
  const answer = await Promise.race([work, deadline]);
  const { beside, candidates } = answer ?? nothing;
  const lines = candidates.map(({ value, does }) => (does ? `${value}\t${does.replaceAll(/\s+/g, ' ')}` : value));
  terminal.print([`${beside}\t${words.at(-1)}`, ...lines].join('\n'));
  // An orderly exit would wait for the very call that does not come back.
  if (answer === null) process.kill(process.pid, 'SIGKILL');
  late.abort();
  return 0;
};
