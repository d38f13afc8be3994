import { createHmac } from 'node:crypto';
import { appendFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import type { StartedProcess } from '../../../lib/base/exec.ts';
import { makeSite, type Site, type SiteOptions, until } from '../../deploy/site.ts';
import type { TestSandbox } from '../../sandboxed.ts';
import type { TestContext } from '../../suite.ts';

const caller = fileURLToPath(new URL('./caller.mjs', import.meta.url));

export interface Call {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
}

export interface Answer {
  status: number;
  headers: Record<string, string>;
  /** the body as JSON; its text when it is none */
  body: any;
}

/** A receiver in the sandbox, and how to speak to it. */
export interface Receiving {
  readonly site: Site;
  readonly secret: string;
  readonly port: number;
  /** the directory of its queue */
  readonly queue: string;
  call(call: Call): Promise<Answer>;
  /** a signed push to `/hooks/plain/production` */
  push(fields?: Record<string, unknown>, headers?: Record<string, string>): Promise<Answer>;
  run(id: string): Promise<any>;
  /** Waits until a request has come to its end. */
  ended(id: string): Promise<any>;
  start(): Promise<void>;
  kill(signal: NodeJS.Signals): Promise<number | null>;
  /** what it printed since its last start */
  output(): string;
}

let receivers = 0;

export const secret = 'a-secret-that-is-long-enough';

export function signatureOf(body: string, key = secret): string {
  return `sha256=${createHmac('sha256', key).update(body).digest('hex')}`;
}

/** A site whose configuration has a receiver, which runs as a process of the test. */
export async function receivingSite(
  t: TestContext,
  { env = {}, ...options }: SiteOptions & { env?: Record<string, string> } = {},
): Promise<Receiving> {
  const site = await makeSite(t, options);
  receivers += 1;
  const port = 4100 + receivers;
  await configureServe(site, port);
  const receiving = receiverOf(site, port, env);
  await receiving.start();
  t.cleanup(() => receiving.kill('SIGKILL'));
  return receiving;
}

/** Adds the receiver to a site's configuration, with its secret. */
export async function configureServe({ sandbox, config, app }: Site, port: number, more: string[] = []): Promise<void> {
  const file = `/etc/${app}.secret`;
  await writeFile(sandbox.hostPath(file), `${secret}\n`, { mode: 0o600 });
  const lines = ['', '[serve]', `listen = "127.0.0.1:${port}"`, `secret_file = "${file}"`, ...more];
  await appendFile(sandbox.hostPath(config), `${lines.join('\n')}\n`);
}

/** Speaks HTTP inside the sandbox. */
export async function callInside(sandbox: TestSandbox, port: number, calls: Call[]): Promise<Answer[]> {
  const input = JSON.stringify({ port, calls });
  const { code, stdout, stderr } = await sandbox.exec([process.execPath, caller], { input, timeoutMs: 60_000 });
  assert.is(code, 0, stderr);
  return JSON.parse(stdout) as Answer[];
}

function receiverOf(site: Site, port: number, env: Record<string, string>): Receiving {
  const { sandbox, config, app } = site;
  let process: StartedProcess | null = null;
  let printed = '';
  const call = async (one: Call): Promise<Answer> => (await callInside(sandbox, port, [one]))[0] as Answer;
  const run = async (id: string) => (await call({ path: `/runs/${id}` })).body;
  return {
    site,
    secret,
    port,
    queue: `/var/lib/cutover/${app}/serve/queue`,
    call,
    run,
    async push(fields = {}, headers = {}) {
      const body = JSON.stringify(fields);
      const all = { 'X-Signature-256': signatureOf(body), ...headers };
      return call({ method: 'POST', path: '/hooks/plain/production', headers: all, body });
    },
    async ended(id) {
      await until(`request ${id} is over`, async () => /done|superseded/.test((await run(id)).state), 60_000);
      return run(id);
    },
    async start() {
      process = await sandbox.startCutover(['serve', '--config', config], { env });
      printed = '';
      const keep = (chunk: Buffer): void => void (printed += chunk.toString());
      process.stdout.on('data', keep);
      process.stderr.on('data', keep);
      await until(`the receiver listens: ${printed}`, async () => printed.includes('listens on'), 30_000);
    },
    async kill(signal) {
      process?.kill(signal);
      return (await process?.ended)?.code ?? null;
    },
    output: () => printed,
  };
}
