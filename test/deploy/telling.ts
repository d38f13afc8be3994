import { appendFile, readFile, writeFile } from 'node:fs/promises';
import type { TestContext } from '../suite.ts';
import { repository } from '../sandboxed.ts';
import { type Site, until } from './site.ts';

/** A request as the receiver inside wrote it down. */
export interface Told {
  path: string;
  headers: Record<string, string>;
  body: string;
}

export interface Receiver {
  url: string;
  told(): Promise<Told[]>;
}

let receivers = 0;

/** Starts a receiver inside the site's sandbox, where its deploys can reach it. */
export async function startReceiver(t: TestContext, { sandbox, folder }: Site): Promise<Receiver> {
  receivers += 1;
  const [port, file] = [7000 + receivers, `${folder}/told-${receivers}`];
  const path = sandbox.hostPath(file);
  await writeFile(path, '');
  const script = `${repository}/test/deploy/receiver.mjs`;
  const child = await sandbox.spawn([process.execPath, script, String(port), file]);
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.resume();
  t.cleanup(async () => {
    child.kill('SIGKILL');
    await child.ended;
  });
  await until('the receiver listens', async () => said.includes('ready'));
  return {
    url: `http://127.0.0.1:${port}`,
    async told() {
      // The last line may not be whole yet.
      const lines = (await readFile(path, 'utf8')).split('\n').slice(0, -1);
      return lines.map((line) => JSON.parse(line) as Told);
    },
  };
}

/** Adds channels to the site's configuration, each as the lines of its table. */
export async function addChannels({ sandbox, config }: Site, ...channels: string[][]): Promise<void> {
  const tables = channels.map((lines) => ['[[notify]]', ...lines].join('\n'));
  await appendFile(sandbox.hostPath(config), `${tables.join('\n')}\n`);
}

/** Puts a secret into a file of the site, and gives its path inside. */
export async function secretFile({ sandbox, folder }: Site, name: string, text: string): Promise<string> {
  await writeFile(sandbox.hostPath(`${folder}/${name}`), `${text}\n`, { mode: 0o600 });
  return `${folder}/${name}`;
}

/** What the journal inside tells of the site's app, oldest first. */
export async function journalOf({ sandbox, app }: Site): Promise<Record<string, string>[]> {
  await sandbox.run('journalctl', '--sync');
  const text = await sandbox.run('journalctl', `CUTOVER_APP=${app}`, '--output=json', '--no-pager', '--quiet');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, string>);
}
