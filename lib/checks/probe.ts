import type { IncomingMessage, RequestOptions, request as Request } from 'node:http';
import { errnoOf, messageOf } from '../base/errors.ts';
import { deadlineSignal } from '../base/wait.ts';
import { type Expectation, judge } from './judge.ts';

/** One request and what came of it. */
export interface ProbeResult {
  url: string;
  /** null: no answer came */
  status: number | null;
  text: string;
  /** what is wrong, or null */
  problem: string | null;
  /** nobody accepted the connection: the service is not there yet, rather than wrong */
  isRefused: boolean;
  /** nothing came in time: behind a socket unit, the service may not be there yet either */
  isSilent: boolean;
  durationMs: number;
}

/** A health page is small; what comes after this is not read. */
const maxBodyBytes = 1024 * 1024;

/** RFC 9110, 15.2.2: what comes after this is no HTTP any more. */
const switchingProtocols = 101;

/**
 * Asks an address once, on a connection of its own and past any proxy.
 * A deadline covers the whole answer, so a body that trickles does not hold anybody up.
 */
export async function probe(url: string, expectation: Expectation, signal?: AbortSignal): Promise<ProbeResult> {
  const began = performance.now();
  const deadline = deadlineSignal(expectation.timeoutMs);
  const signals = signal ? AbortSignal.any([deadline, signal]) : deadline;
  const base = { url, status: null, text: '', isRefused: false, isSilent: false };
  try {
    const { status, text } = await get(url, expectation.headers, signals);
    const result = { ...base, status, text, durationMs: performance.now() - began };
    // What is judged is here, and no longer waited for.
    const problem = await judge(result, expectation, signal);
    return { ...result, problem };
  } catch (error) {
    signal?.throwIfAborted();
    const problem = deadline.aborted ? `no answer within ${expectation.timeoutMs / 1000} s` : describe(error);
    const isRefused = ['ECONNREFUSED', 'ENOENT'].includes(errnoOf(error) ?? '');
    return { ...base, problem, isRefused, isSilent: deadline.aborted, durationMs: performance.now() - began };
  }
}

function describe(error: unknown): string {
  const errno = errnoOf(error);
  if (errno === 'ECONNREFUSED') return 'connection refused';
  if (errno === 'ECONNRESET') return 'the connection was closed before an answer';
  return messageOf(error);
}

async function get(
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<{ status: number; text: string }> {
  const { request } = await clientFor(url);
  const response = await new Promise<IncomingMessage | null>((resolve, reject) => {
    const options = { ...addressOf(url), headers: { connection: 'close', ...headers }, agent: false as const, signal };
    const asked = request(options, resolve).on('error', reject);
    // Node gives a connection that speaks another protocol from here on away, and tells nobody else of it, nor of its deadline.
    asked.on('upgrade', (_, socket) => {
      socket.destroy();
      resolve(null);
    });
    asked.end();
  });
  if (response === null) return { status: switchingProtocols, text: '' };
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) {
    text += chunk as string;
    if (text.length > maxBodyBytes) break;
  }
  return { status: response.statusCode ?? 0, text };
}

function clientFor(url: string): Promise<{ request: typeof Request }> {
  return url.startsWith('https:') ? import('node:https') : import('node:http');
}

/** `http://unix:/run/app.sock:/health` names a socket in the file system, then the path to ask for. */
function addressOf(url: string): RequestOptions {
  const socket = /^http:\/\/unix:([^:]+):(\/.*)?$/.exec(url);
  if (socket) return { socketPath: socket[1], path: socket[2] ?? '/', host: 'localhost' };
  const { hostname, port, pathname, search, protocol, username, password } = new URL(url);
  const address = { hostname: hostname.replace(/^\[|\]$/g, ''), port, path: pathname + search, protocol };
  return username === '' && password === ''
    ? address
    : { ...address, auth: `${decoded(username)}:${decoded(password)}` };
}

/** A percent sign that begins nothing is meant as it stands. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
