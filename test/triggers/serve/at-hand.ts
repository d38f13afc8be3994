import { createHmac } from 'node:crypto';
import { type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { openController } from '../../../lib/base/wait.ts';
import { parseText } from '../../../lib/config/load.ts';
import { noteFaults } from '../../../lib/triggers/serve/faults.ts';
import { addHooks } from '../../../lib/triggers/serve/hooks.ts';
import type { Launch, Result } from '../../../lib/triggers/serve/launch.ts';
import { listen } from '../../../lib/triggers/serve/listen.ts';
import { serveLog } from '../../../lib/triggers/serve/log.ts';
import { openQueue, type Queue } from '../../../lib/triggers/serve/queue.ts';
import type { ServeRequest } from '../../../lib/triggers/serve/request.ts';
import { frame } from '../../../lib/triggers/serve/routes.ts';
import { openStore } from '../../../lib/triggers/serve/store.ts';
import { makeDirectory } from '../../builds/directory.ts';
import type { TestContext } from '../../suite.ts';

export const secret = 'a-secret-that-is-long-enough';

export interface Sent {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

export interface Answered {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** the body as JSON */
  json: any;
}

/** The receiver's routes on a port of this machine, with a queue of its own; what carries requests out is the test's. */
export interface AtHand {
  port: number;
  queue: Queue;
  directory: string;
  /** what was logged */
  lines: string[];
  /** the requests that were carried out, in their order */
  launched: string[];
  /** the requests that came to nothing */
  told: ServeRequest[];
  clock: { nowMs: number };
  send: (sent: Sent) => Promise<Answered>;
  end: () => Promise<void>;
}

const done: Result = { run: null, outcome: 'deployed', exit_code: 0, error: null };

export async function receiverAtHand(
  t: TestContext,
  { directory, launch = async () => done }: { directory?: string; launch?: Launch } = {},
): Promise<AtHand> {
  const place = directory ?? join(await makeDirectory(t), 'queue');
  const config = await parseText(configuration, { file: '/etc/cutover/cutover.toml', mode: 0o600 });
  const ended = openController();
  const lines: string[] = [];
  const launched: string[] = [];
  const told: ServeRequest[] = [];
  const clock = { nowMs: Date.now() };
  const log = serveLog((line) => void lines.push(line), true);
  const noting: Launch = (request) => {
    launched.push(request.id);
    return launch(request);
  };
  const store = await openStore(place);
  const onNothing = (request: ServeRequest): void => void told.push(request);
  const queue = openQueue({ store, launch: noting, signal: ended.signal, tell: log.tell, onNothing });
  const app = frame({ log, faults: noteFaults(log) });
  addHooks(app, { config, secret, queue, nowMs: () => clock.nowMs });
  app.get('/broken', () => {
    throw new Error('went wrong here');
  });
  const { port, close } = await listen(app, { address: '127.0.0.1:0', env: {} });
  queue.begin();
  const end = async (): Promise<void> => {
    ended.abort(new Error('the end'));
    await close(100);
    await queue.ended();
  };
  t.cleanup(end);
  const send = (sent: Sent): Promise<Answered> => sendTo(port ?? 0, sent);
  return { port: port ?? 0, queue, directory: place, lines, launched, told, clock, send, end };
}

const configuration = `app = "shop"
[targets.production]
unit = "shop.service"
builds = "/nowhere/production"
[targets.staging]
unit = "shop-staging.service"
builds = "/nowhere/staging"
branch = "next"
[serve]
secret_file = "/nowhere/secret"
`;

/** One request on a connection of its own. */
export function sendTo(
  port: number,
  { method = 'POST', path = '/hooks/plain/production', headers = {}, body }: Sent,
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port, host: '127.0.0.1', method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: jsonOf(text) });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export function hmac(body: string | Buffer, key = secret): string {
  return createHmac('sha256', key).update(body).digest('hex');
}

/** A plain request, signed. */
export function plain(body: string, headers: Record<string, string> = {}): Sent {
  return { headers: { 'X-Signature-256': `sha256=${hmac(body)}`, ...headers }, body };
}

/** As GitHub sends it. */
export function github(
  fields: Record<string, unknown>,
  {
    event = 'push',
    delivery = 'd-1',
    target = 'production',
  }: { event?: string; delivery?: string; target?: string } = {},
): Sent {
  const body = JSON.stringify(fields);
  const signature = `sha256=${hmac(body)}`;
  const headers = { 'X-Hub-Signature-256': signature, 'X-GitHub-Event': event, 'X-GitHub-Delivery': delivery };
  return { path: `/hooks/github/${target}`, headers: { 'Content-Type': 'application/json', ...headers }, body };
}

/** As GitLab sends it: a token, and no signature. */
export function gitlab(
  fields: Record<string, unknown>,
  { event = 'Push Hook', token = secret, uuid = 'u-1' }: { event?: string; token?: string; uuid?: string } = {},
): Sent {
  const headers = { 'X-Gitlab-Token': token, 'X-Gitlab-Event': event, 'X-Gitlab-Event-UUID': uuid };
  return { path: '/hooks/gitlab/production', headers, body: JSON.stringify(fields) };
}

export const push = { ref: 'refs/heads/main', after: '4f2a9c1b4f2a9c1b4f2a9c1b4f2a9c1b4f2a9c1b' };
