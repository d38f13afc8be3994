import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Config } from '../../config/model.ts';
import type { Outcome } from '../../run/document.ts';
import { instanceName } from '../../systemd/unit-text.ts';

/** Who speaks: each signs and words a push in a way of its own. */
export type Provider = 'plain' | 'github' | 'gitlab';

export type RequestState = 'queued' | 'running' | 'superseded' | 'done';

/** Why a request came to no run. */
export interface RequestError {
  code: string;
  message: string;
  mend: string | null;
}

/** A request that was accepted, as it is kept on the disk. */
export interface ServeRequest {
  id: string;
  /** grows with each request, whatever the clock does */
  seq: number;
  target: string;
  provider: Provider;
  /** digests by which the same delivery is known again */
  keys: string[];
  branch: string | null;
  revision: string | null;
  state: RequestState;
  queued_at: string;
  started_at: string | null;
  ended_at: string | null;
  /** the newer request of the same target that took its place */
  superseded_by: string | null;
  /** the run of cutover; null: not known yet, or it came to none */
  run: string | null;
  outcome: Outcome | null;
  exit_code: number | null;
  error: RequestError | null;
}

/** The unit that carries a request out, apart from the receiver: with limits, rights and a life of its own. */
const template = 'cutover-request@.service';

/** What stands in a unit's name and in a file's must be nothing else. */
export function isRequestId(text: string): boolean {
  return /^r\d{8,12}x[0-9a-f]{8}$/.test(text);
}

/** What is asked for; the rest of a request is the queue's to say. */
export type Asked = Pick<ServeRequest, 'target' | 'provider' | 'keys' | 'branch' | 'revision'>;

/** @param seq greater than that of any before it */
export function newRequest(asked: Asked, seq: number): ServeRequest {
  // A receiver that lost its state counts from one again, and must not give a name once more; and who knows the name may
  // ask what became of it, so nobody else must be able to tell it.
  const id = `r${String(seq).padStart(8, '0')}x${randomBytes(4).toString('hex')}`;
  const times = { queued_at: now(), started_at: null, ended_at: null };
  const nothing = { superseded_by: null, run: null, outcome: null, exit_code: null, error: null };
  return { id, seq, ...asked, state: 'queued', ...times, ...nothing };
}

/** What becomes of a request when a newer one takes its place. */
export function supersededBy(id: string): Partial<ServeRequest> {
  return { state: 'superseded', superseded_by: id, ended_at: now() };
}

/** How a request ended. */
export type Ended = Pick<ServeRequest, 'state' | 'outcome' | 'error'>;

/** Whether a request is over without a run that came to an end: what was pushed was not deployed, and nobody else says so. */
export function cameToNothing({ state, outcome, error }: Ended): boolean {
  return state === 'done' && (outcome === 'interrupted' || (outcome === null && error !== null));
}

/** Whether it is over and changed nothing: it was refused, or came to nothing. Delivered again, it may do better. */
export function changedNothing(ended: Ended): boolean {
  return cameToNothing(ended) || ended.outcome === 'refused';
}

/** Whether somebody called it off by hand, and knows. */
export function isGivenUp({ outcome, error }: Pick<Ended, 'outcome' | 'error'>): boolean {
  return outcome === 'interrupted' || error?.code === 'interrupted';
}

export function now(): string {
  return new Date().toISOString();
}

/** The instance that carries out one request; `%I` in it is `app/target/id`. */
export function requestUnit({ app }: Pick<Config, 'app'>, target: string, id: string): string {
  return template.replace('@', `@${instanceName(app, target, id)}`);
}

/**
 * Where the receiver keeps its queue: where systemd gave it a directory of its own (`StateDirectory=`), there; the state of
 * runs is root's.
 */
export function queueDirectory({ state, app }: Pick<Config, 'state' | 'app'>, env: NodeJS.ProcessEnv): string {
  const given = env.STATE_DIRECTORY?.split(':')[0];
  return given ? join(given, app, 'queue') : join(state, app, 'serve', 'queue');
}
