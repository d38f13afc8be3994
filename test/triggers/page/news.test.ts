import * as assert from 'uvu/assert';
import { sleep } from '../../../lib/base/wait.ts';
import { openNews } from '../../../lib/triggers/page/news.ts';
import { suite } from '../../suite.ts';
import { downTarget, modelWith, targetWith } from './samples.ts';
import { fixedWatching } from './shown.ts';

const test = suite('what a listener hears');

const [up, down] = [modelWith([targetWith()]), modelWith([downTarget()])];

test('R6: the first state at once, then silence until it is another one', async (t) => {
  const watching = fixedWatching(up);
  const news = openNews(watching);
  assert.is(await news?.first(), up);
  assert.is(await news?.next(20, t.signal), null);
  setTimeout(() => watching.show(down), 20);
  assert.is(await news?.next(30_000, t.signal), down);
  assert.is(await news?.next(20, t.signal), null);
});

test('R6: what happens while nobody asks is heard at the next question, the newest alone', async (t) => {
  const watching = fixedWatching(up);
  const news = openNews(watching);
  await news?.first();
  watching.show(down);
  watching.show(up);
  assert.is(await news?.next(0, t.signal), up);
  assert.is(await news?.next(0, t.signal), null);
});

test('R6: whoever is ended hears no more, and waits no longer', async () => {
  const watching = fixedWatching(up);
  const news = openNews(watching);
  const ended = new AbortController();
  const waiting = news?.next(600_000, ended.signal);
  await sleep(5);
  ended.abort();
  assert.is(await waiting, null);
  news?.close();
  assert.is(watching.listeners(), 0);
});
