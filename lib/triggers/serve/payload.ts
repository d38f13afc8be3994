import type { TargetConfig } from '../../config/model.ts';
import { branchOf, isDeletion, whyNotDeleted } from '../pushed-ref.ts';
import type { Provider } from './request.ts';

/** What a body asks for: to deploy, or nothing, and why; a body that cannot be read is no request. */
export type Wanted =
  | { kind: 'deploy'; branch: string | null; revision: string | null }
  | { kind: 'ignored'; reason: string }
  | { kind: 'malformed'; message: string; mend: string | null };

type Header = (name: string) => string | undefined;
type Fields = Record<string, unknown>;

const eventHeader = { github: 'x-github-event', gitlab: 'x-gitlab-event' };
const pushEvent = { github: 'push', gitlab: 'Push Hook' };

/** Reads what a signed body asks of a target: a push to its branch deploys it, anything else does not. */
export function readWanted(
  provider: Provider,
  { header, body }: { header: Header; body: Buffer },
  target: Pick<TargetConfig, 'name' | 'branch'>,
): Wanted {
  if (provider !== 'plain') {
    const event = header(eventHeader[provider]);
    if (event === undefined) return malformed(`the header ${eventHeader[provider]} is missing`);
    if (event !== pushEvent[provider]) return ignored(`the event is ${shown(event)}, and only a push deploys`);
  }
  const fields = fieldsOf(body);
  if (fields === null)
    return malformed('the body is no JSON object', 'set the content type of the webhook to application/json');
  return provider === 'plain' ? plain(fields, target) : push(fields, target);
}

function plain({ branch, revision }: Fields, target: Pick<TargetConfig, 'name' | 'branch'>): Wanted {
  for (const [name, value] of Object.entries({ branch, revision }))
    if (value !== undefined && value !== null && typeof value !== 'string') return malformed(`${name} is no text`);
  const named = typeof branch === 'string' ? (branchOf(branch) ?? branch) : null;
  if (named !== null && named !== target.branch) return otherBranch(named, target);
  return { kind: 'deploy', branch: named, revision: text(revision) };
}

function push({ ref, after, deleted }: Fields, target: Pick<TargetConfig, 'name' | 'branch'>): Wanted {
  if (typeof ref !== 'string') return malformed('the body names no ref');
  const branch = branchOf(ref);
  if (branch === null) return ignored(`${shown(ref)} is no branch`);
  if (branch !== target.branch) return otherBranch(branch, target);
  const isDeleted = deleted === true || (typeof after === 'string' && isDeletion(after));
  if (isDeleted) return ignored(whyNotDeleted([target.name]));
  return { kind: 'deploy', branch, revision: text(after) };
}

/** An empty body is an empty object, which asks for what is newest; JSON that is no object asks for nothing. */
function fieldsOf(body: Buffer): Fields | null {
  if (body.toString('latin1').trim() === '') return {};
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    return typeof value === 'object' && !Array.isArray(value) ? (value as Fields | null) : null;
  } catch {
    return null;
  }
}

function otherBranch(branch: string, { name, branch: own }: Pick<TargetConfig, 'name' | 'branch'>): Wanted {
  const bound = own === '' ? `${name} is bound to no branch` : `${name} is bound to ${own}`;
  return ignored(`the branch is ${shown(branch)}, and ${bound}`);
}

function ignored(reason: string): Wanted {
  return { kind: 'ignored', reason };
}

function malformed(message: string, mend: string | null = null): Wanted {
  return { kind: 'malformed', message, mend };
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? shown(value) : null;
}

/** What comes from outside, short and on one line. */
function shown(value: string): string {
  return value.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 200);
}
