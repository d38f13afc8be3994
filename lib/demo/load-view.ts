import type { Gap, LoadView } from './document.ts';
import type { Sample } from './observed.ts';

/**
 * What an act was for its clients.
 * @param samples in the order in which they were sent
 */
export function viewOf(samples: readonly Sample[], { fromMs, toMs }: { fromMs: number; toMs: number }): LoadView {
  const within = samples.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
  const gaps = gapsOf(within, { fromMs, toMs });
  const answered = within.filter(({ answer }) => answer === 'ok');
  return {
    requests: within.length,
    failed: within.filter(({ answer }) => answer === 'failed').length,
    wrong: within.filter(({ answer }) => answer === 'wrong').length,
    longest_gap_ms: Math.max(0, ...gaps.map(({ from_ms, to_ms }) => to_ms - from_ms)),
    longest_wait_ms: Math.round(Math.max(0, ...answered.map(({ tookMs }) => tookMs))),
    gaps,
  };
}

function gapsOf(samples: readonly Sample[], { fromMs, toMs }: { fromMs: number; toMs: number }): Gap[] {
  const gaps: Gap[] = [];
  const since = (atMs: number): number => Math.round(atMs - fromMs);
  let lastOkMs = fromMs;
  let bad: number[] = [];
  const close = (atMs: number): void => {
    const [first] = bad;
    const last = bad.at(-1);
    if (first !== undefined && last !== undefined) {
      const edges = { from_ms: since(lastOkMs), to_ms: since(atMs) };
      gaps.push({ ...edges, requests: bad.length, first_ms: since(first), last_ms: since(last) });
    }
    [lastOkMs, bad] = [atMs, []];
  };
  for (const { atMs, answer } of samples) {
    if (answer === 'ok') close(atMs);
    else bad.push(atMs);
  }
  close(toMs);
  return gaps;
}
