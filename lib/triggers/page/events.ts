import { sleep, withDeadline } from '../../base/wait.ts';
import type { PageModel } from '../../report/page/model.ts';
import { newsOf, type Sections, sectionsOf, titleOf, verdictOf } from '../../report/page/sections.ts';
import type { SSEStreamingApi } from '../serve/framework.ts';
import type { News } from './news.ts';

/** A listener hears something at least this often, so that it notices a broken connection. */
const beatMs = 10_000;
/** Whoever takes longer to read is cut off. */
const writeMs = 30_000;
/** Then it comes again by itself, and shows its token again. */
const longestMs = 60 * 60_000;
/** A burst of changes is told once. */
const quietMs = 30;
const retryMs = 500;

export interface Message {
  event: string;
  data: string;
}

/**
 * Tells one listener of each change until it goes, is too slow, or the signal is aborted: the whole state first, so nothing is
 * missed that happened in between. Somebody who reads slowly is told of the newest state alone, so nothing piles up.
 * @param message what to send for a state
 */
export async function tellChanges(
  stream: SSEStreamingApi,
  { news, message, signal }: { news: News; message: (model: PageModel) => Message; signal: AbortSignal },
): Promise<void> {
  const gone = new AbortController();
  stream.onAbort(() => gone.abort());
  const ended = AbortSignal.any([signal, gone.signal, AbortSignal.timeout(longestMs)]);
  const send = ({ event, data }: Message): Promise<void> =>
    withDeadline({ what: 'the listener did not read', timeoutMs: writeMs, signal: ended }, () =>
      stream.writeSSE({ event, data, retry: retryMs }),
    );
  try {
    for (let model: PageModel | null = await news.first(); !ended.aborted; model = await news.next(beatMs, ended)) {
      await send(model ? message(model) : { event: 'beat', data: new Date().toISOString() });
      if (model) await sleep(quietMs, ended);
    }
  } catch {
    // It is gone, or as good as that: there is nobody to tell of it.
    if (!ended.aborted) stream.abort();
  } finally {
    news.close();
  }
}

/** All listeners are told of one state: it is drawn once. */
const drawn = new WeakMap<PageModel, Sections>();

function sectionsFor(model: PageModel): Sections {
  const sections = drawn.get(model) ?? sectionsOf(model);
  drawn.set(model, sections);
  return sections;
}

/** For the page itself: the sections that changed since the last time, as markup. */
export function pageMessages(assets: string): (model: PageModel) => Message {
  const sent = new Map<string, string>();
  return (model) => {
    const sections: Record<string, string> = {};
    for (const [id, { text }] of Object.entries(sectionsFor(model))) {
      if (sent.get(id) === text) continue;
      sent.set(id, text);
      sections[id] = text;
    }
    const { tone } = verdictOf(model);
    const data = { assets, title: titleOf(model), tone, sections, said: newsOf(model) };
    return { event: 'page', data: JSON.stringify(data) };
  };
}

/** For programs: the whole state. */
export function stateMessage(model: PageModel): Message {
  return { event: 'state', data: JSON.stringify(model) };
}
