import type { IncomingMessage, RequestOptions } from 'node:http';
import { CutoverError, errnoOf } from '../../base/errors.ts';
import { withDeadline } from '../../base/wait.ts';
import type { Message } from './channel.ts';

/** What came back. */
export interface Reply {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
}

/** What explains a refusal is short; the rest is not read. */
const mostCharacters = 16_384;

/**
 * Posts once, on a connection of its own, past any proxy, and follows nowhere: what is sent holds secrets.
 * @throws `timeout` when the whole answer did not come in time; the signal's reason; a Node error, which names no path
 */
export async function post(message: Message, timeoutMs: number, signal: AbortSignal): Promise<Reply> {
  return withDeadline({ what: 'no answer came', timeoutMs, signal }, (ended) => exchange(message, ended));
}

/** What is wrong with the connection, in words. */
export function connectionProblem(error: unknown): string {
  const errno = errnoOf(error);
  const words: Record<string, string> = {
    ECONNREFUSED: 'connection refused',
    ECONNRESET: 'the connection was closed before an answer',
    ENOTFOUND: 'no such host',
    EAI_AGAIN: 'the name cannot be looked up now',
  };
  return words[errno ?? ''] ?? (error instanceof Error ? error.message : String(error));
}

async function exchange({ url, headers, body }: Message, signal: AbortSignal): Promise<Reply> {
  const address = addressOf(url);
  const { request } = address.protocol === 'https:' ? await import('node:https') : await import('node:http');
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const length = { 'content-length': String(Buffer.byteLength(body)), connection: 'close' };
    const options = { ...address, method: 'POST', headers: { ...headers, ...length }, agent: false as const, signal };
    request(options, resolve).on('error', reject).end(body);
  });
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) {
    text += chunk as string;
    if (text.length > mostCharacters) break;
  }
  return { status: response.statusCode ?? 0, headers: response.headers, text };
}

/** `http://unix:/run/app.sock:/hook` names a socket in the file system, then the path to post to. */
function addressOf(url: string): RequestOptions {
  const socket = /^http:\/\/unix:([^:]+):(\/.*)$/.exec(url);
  if (socket) return { socketPath: socket[1], path: socket[2], host: 'localhost', protocol: 'http:' };
  if (!URL.canParse(url) || !/^https?:/.test(url)) throw new CutoverError('config', 'what is given is no address');
  const { hostname, port, pathname, search, protocol, username, password } = new URL(url);
  const auth = username === '' ? {} : { auth: `${decodeURIComponent(username)}:${decodeURIComponent(password)}` };
  return { hostname: hostname.replace(/^\[|\]$/g, ''), port, path: pathname + search, protocol, ...auth };
}
