import type { Gap, LoadView, Sample } from './document.ts';

/**
 * What an act was for its clients.
 * @param samples in the order in which they were sent
 */
export function viewOf(samples: readonly Sample[], { fromMs, toMs }: { fromMs: number; toMs: number }): LoadView {
  const within = samples.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
  const gaps = gapsOf(within, { fromMs, toMs });
  return {
    requests: within.length,
    failed: within.filter(({ answer }) => answer === 'failed').length,
    wrong: within.filter(({ answer }) => answer === 'wrong').length,
    longest_gap_ms: Math.max(0, ...gaps.map(({ from_ms, to_ms }) => to_ms - from_ms)),
    gaps,
  };
}

function gapsOf(samples: readonly Sample[], { fromMs, toMs }: { fromMs: number; toMs: number }): Gap[] {
  const gaps: Gap[] = [];
  let lastOkMs = fromMs;
  let requests = 0;
  const close = (atMs: number): void => {
    const [from_ms, to_ms] = [Math.round(lastOkMs - fromMs), Math.round(atMs - fromMs)];
    if (requests > 0) gaps.push({ from_ms, to_ms, requests });
    [lastOkMs, requests] = [atMs, 0];
  };
  for (const { atMs, answer } of samples) {
    if (answer === 'ok') close(atMs);
    else requests += 1;
  }
  close(toMs);
  return gaps;
}
