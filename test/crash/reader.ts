import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { type Site, until } from '../deploy/site.ts';

const program = fileURLToPath(new URL('reader.mjs', import.meta.url));

/** What a reader saw in all its time. */
interface Seen {
  looks: number;
  /** how often each thing was wrong */
  wrong: Record<string, number>;
}

/**
 * Looks at the `current` of each site, and through it at the build, in a process of its own inside. It takes only the time that
 * nobody else wants.
 * @returns ends it, and fails unless it looked and found a build each time
 */
export async function startReader(...sites: [Site, ...Site[]]): Promise<() => Promise<number>> {
  const links = sites.map(({ builds }) => `${builds}/current`);
  const child = await sites[0].sandbox.spawn(['setsid', 'nice', '-n', '19', process.execPath, program, ...links]);
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.resume();
  await until('the reader looks', async () => said.includes('looking'));
  return async () => {
    child.kill('SIGTERM');
    await child.ended;
    const seen = JSON.parse(said.split('\n')[1] ?? '') as Seen;
    assert.equal(seen.wrong, {}, `current, in ${seen.looks} looks`);
    assert.ok(seen.looks > 0, 'nobody looked');
    return seen.looks;
  };
}
