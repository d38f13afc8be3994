import { appendFile, chmod, writeFile } from 'node:fs/promises';
import type { StartedProcess } from '../../../lib/base/exec.ts';
import { type Site, until } from '../../deploy/site.ts';
import type { TestContext } from '../../suite.ts';

/** `cutover serve` for a site, inside of its sandbox. */
export interface Receiver {
  /** as it is named inside */
  url: string;
  start(): Promise<void>;
  /** @returns its exit code; null: the signal killed it */
  end(signal?: NodeJS.Signals): Promise<number | null>;
  said(): string;
}

let receivers = 0;

/** Starts the receiver at an address of its own; it ends with the test. */
export async function receiverFor(t: TestContext, site: Site, keys: string[] = []): Promise<Receiver> {
  const { sandbox, config, app } = site;
  receivers += 1;
  const port = 4100 + receivers;
  const secret = `/etc/cutover-${app}.secret`;
  await secretFile(site, secret, 'a secret of many characters'.replaceAll(' ', '-'));
  const lines = ['', '[serve]', `listen = "127.0.0.1:${port}"`, `secret_file = "${secret}"`, ...keys, ''];
  await appendFile(sandbox.hostPath(config), lines.join('\n'));
  let child: StartedProcess | null = null;
  let said = '';
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}`,
    async start() {
      child = await sandbox.startCutover(['serve', '--config', config]);
      let isOver = false;
      void child.ended.then(() => (isOver = true));
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
      const asked = ['curl', '--silent', '--fail', `${receiver.url}/page/page.css`] as const;
      await until(
        'the receiver answers',
        async () => {
          if (isOver) throw new Error(`the receiver ended: ${said}`);
          return (await sandbox.exec([...asked])).code === 0;
        },
        60_000,
      );
    },
    async end(signal = 'SIGTERM') {
      const ending = child;
      child = null;
      if (!ending) return null;
      ending.kill(signal);
      return (await ending.ended).code;
    },
    said: () => said,
  };
  t.cleanup(() => receiver.end('SIGKILL'));
  await receiver.start();
  return receiver;
}

/** A file inside that its owner alone may read. */
export async function secretFile({ sandbox }: Site, path: string, text: string): Promise<void> {
  await writeFile(sandbox.hostPath(path), `${text}\n`);
  await chmod(sandbox.hostPath(path), 0o600);
}
