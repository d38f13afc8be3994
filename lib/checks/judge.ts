import { messageOf } from '../base/errors.ts';
import { matchesOf } from '../base/matching.ts';
import type { HealthConfig } from '../config/model.ts';
import { shortened } from './kinds/excerpt.ts';

/** What judges an answer: status, body and JSON of a health configuration. */
export type Expectation = Pick<HealthConfig, 'statuses' | 'json' | 'body' | 'headers' | 'timeoutMs'>;

/**
 * The first thing that is wrong with an answer, or null.
 * @throws the signal's reason
 */
export async function judge(
  result: { status: number | null; text: string },
  { statuses, json, body }: Expectation,
  signal?: AbortSignal,
): Promise<string | null> {
  const { status, text } = result;
  if (status === null) return 'no answer';
  if (!statuses.some(([from, to]) => status >= from && status <= to)) {
    return `answered ${status}, expected ${describeStatuses(statuses)}${excerpt(text)}`;
  }
  return (body === null ? null : await judgeBody(text, body, signal)) ?? judgeJson(text, json);
}

async function judgeBody(text: string, body: string, signal?: AbortSignal): Promise<string | null> {
  try {
    const { length } = await matchesOf(body, [text], { signal });
    return length > 0 ? null : `the body does not match ${body}${excerpt(text)}`;
  } catch (error) {
    signal?.throwIfAborted();
    return `${messageOf(error)}${excerpt(text)}`;
  }
}

function judgeJson(text: string, wanted: HealthConfig['json']): string | null {
  if (Object.keys(wanted).length === 0) return null;
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return `the body is no JSON${excerpt(text)}`;
  }
  for (const [path, value] of Object.entries(wanted)) {
    const found = valueAt(document, path);
    if (found === value) continue;
    return `${path} is ${shortened(JSON.stringify(found) ?? 'missing')}, expected ${JSON.stringify(value)}`;
  }
  return null;
}

/** `services.redis.status` in a document; a key that itself has dots is found too. */
function valueAt(document: unknown, path: string): unknown {
  if (typeof document !== 'object' || document === null) return undefined;
  const record = document as Record<string, unknown>;
  if (Object.hasOwn(record, path)) return record[path];
  const dot = path.indexOf('.');
  return dot < 0 ? undefined : valueAt(record[path.slice(0, dot)], path.slice(dot + 1));
}

/** "200" or "200-299 or 304". */
export function describeStatuses(statuses: HealthConfig['statuses']): string {
  return statuses.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(' or ');
}

function excerpt(text: string): string {
  const line = shortened(text, 120);
  return line === '' ? '' : `: ${line}`;
}
