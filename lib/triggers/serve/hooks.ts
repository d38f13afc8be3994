import { isCutoverError } from '../../base/errors.ts';
import type { Config, TargetConfig } from '../../config/model.ts';
import { laterSeconds, refuse, refuseForNow, refuseUnread, type RouteEnvironment } from './answers.ts';
import { readBody } from './body.ts';
import type { Context } from './framework.ts';
import { readWanted } from './payload.ts';
import type { Queue } from './queue.ts';
import type { Provider } from './request.ts';
import type { Routes } from './routes.ts';
import { deliveryKeys, doubtOf } from './signature.ts';

type Answering = Context<RouteEnvironment>;

export interface HookParts {
  config: Config;
  /** null: it cannot be used, and no request is believed */
  secret: string | null;
  queue: Queue;
  /** the machine's clock, which signed times are held against */
  nowMs: () => number;
}

const providers: readonly Provider[] = ['plain', 'github', 'gitlab'];

/** `POST /hooks/<provider>/<target>`: a signed push becomes a request in the queue. */
export function addHooks(app: Routes, parts: HookParts): void {
  for (const provider of providers) app.post(`/hooks/${provider}/:target`, (c) => answerHook(c, provider, parts));
}

/** In this order whoever cannot sign learns nothing: not which targets there are, nor what a good body looks like. */
async function answerHook(c: Answering, provider: Provider, parts: HookParts): Promise<Response> {
  const { config, secret, nowMs } = parts;
  const body = await readBody(c.env.incoming);
  if (!Buffer.isBuffer(body)) return refuseUnread(c, body);
  if (secret === null)
    return refuseForNow(c, 503, laterSeconds, 'the secret that requests are signed with cannot be used');
  const signed = { header: (name: string) => c.req.header(name), body };
  const doubt = doubtOf(provider, signed, { secret, nowMs: nowMs() });
  if (doubt !== null) return refuse(c, 401, doubts[doubt]);
  const name = c.req.param('target') ?? '';
  const target = Object.hasOwn(config.targets, name) ? config.targets[name] : undefined;
  if (!target) {
    const known = `known targets: ${Object.keys(config.targets).join(', ')}`;
    return refuse(c, 404, { code: 'unknown_target', message: 'there is no target of that name', mend: known });
  }
  return answerSigned(c, { provider, target, ...signed }, parts);
}

async function answerSigned(
  c: Answering,
  {
    provider,
    target,
    ...signed
  }: { provider: Provider; target: TargetConfig; header: (name: string) => string | undefined; body: Buffer },
  { queue }: HookParts,
): Promise<Response> {
  const wanted = readWanted(provider, signed, target);
  if (wanted.kind === 'malformed') return refuse(c, 400, { code: 'malformed', ...wanted });
  if (wanted.kind === 'ignored') return c.json({ status: 'ignored', reason: wanted.reason }, 202);
  const { branch, revision } = wanted;
  const keys = deliveryKeys(provider, target.name, signed);
  try {
    const { request, isReplay } = await queue.add({ target: target.name, provider, keys, branch, revision });
    const run = `/runs/${request.id}`;
    const answer = isReplay ? { status: request.state, replayed: true } : { status: 'queued' };
    return c.json({ id: request.id, run, ...answer }, 202, { Location: run });
  } catch (error) {
    if (!isCutoverError(error, 'disk', 'permission')) throw error;
    return refuseForNow(c, 503, laterSeconds, 'the request cannot be kept: the journal of the receiver says why');
  }
}

const doubts = {
  signature: {
    code: 'unauthorized',
    message: 'the signature does not hold',
    mend: 'sign the body as it is sent, with the secret of [serve]',
  },
  time: {
    code: 'unauthorized',
    message: 'X-Timestamp is over 5 min away from the clock here',
    mend: 'set the clock (timedatectl), and sign anew',
  },
};
