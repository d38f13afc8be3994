import type { Answer, CheckStatus } from '../check.ts';

const order: readonly CheckStatus[] = ['fail', 'warn', 'pass'];

/** One answer of several: the worst decides, and what was found stands in it part by part. */
export function combined(parts: readonly (readonly [rule: string, answer: Answer])[]): Answer {
  const findings = parts.map(([rule, answer]) => ({ rule, ...answer }));
  const status = order.find((one) => findings.some((finding) => finding.status === one)) ?? 'pass';
  const worst = findings.filter((finding) => finding.status === status);
  const observed = worst.map((finding) => finding.observed).join('; ');
  const mends = worst.flatMap(({ mend }) => mend ?? []);
  const expected = worst.map((finding) => finding.expected).join('; ');
  return { status, observed, expected, mend: mends.length === 0 ? null : mends.join('; '), findings };
}
