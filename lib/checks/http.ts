import { type Answer, fail, pass, warn } from './check.ts';
import { describeStatuses, type Expectation } from './judge.ts';
import { probe } from './probe.ts';

/** S1, B4: every address answers as configured, once. */
export async function askHttp(
  urls: readonly string[],
  expectation: Expectation,
  mend: string,
  signal?: AbortSignal,
): Promise<Answer> {
  if (urls.length === 0)
    return warn('no health address is configured', 'an address to ask', 'set health.url in the configuration');
  const expected = `${describeStatuses(expectation.statuses)}${Object.keys(expectation.json).length > 0 ? ' and the configured JSON' : ''}`;
  const results = await Promise.all(urls.map((url) => probe(url, expectation, signal)));
  const bad = results.find((result) => result.problem !== null);
  if (bad) return fail(`${bad.url}: ${bad.problem}`, expected, mend);
  return pass(
    results.map(({ status, durationMs }) => `${status} in ${Math.round(durationMs)} ms`).join(', '),
    expected,
  );
}
