import { fileURLToPath } from 'node:url';
import { type Site, until } from '../deploy/site.ts';

const program = fileURLToPath(new URL('prober.mjs', import.meta.url));

/** Somebody who asks the service all the time. */
export interface Prober {
  /** Waits until that build is what answers; gives the milliseconds from `since` to its first answer after the last change. */
  untilServes(build: string, since: number): Promise<number>;
  stop(): Promise<void>;
}

/** Asks a site's service some hundred times a second, from inside. */
export async function startProber({ sandbox, port }: Site): Promise<Prober> {
  const child = await sandbox.spawn([process.execPath, program, String(port)]);
  child.stderr.resume();
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const last = (): { at: number; build: string } => {
    const [at = '0', build = '-'] = said.trimEnd().split('\n').at(-1)?.split(' ') ?? [];
    return { at: Number(at), build };
  };
  return {
    async untilServes(build, since) {
      await until(`${build} answers`, async () => last().build === build, 15_000);
      return Math.max(0, last().at - since);
    },
    async stop() {
      child.kill('SIGKILL');
      await child.ended;
    },
  };
}
