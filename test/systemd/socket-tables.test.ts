import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readListening } from '../../lib/systemd/socket-tables.ts';
import { makeDirectory } from '../builds/directory.ts';
import { suite } from '../suite.ts';

const test = suite('systemd/socket tables');
const heading = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';

/** A line as long as the kernel writes it. */
function lineOf(port: number, state: string): string {
  const address = `0100007F:${port.toString(16).padStart(4, '0').toUpperCase()}`;
  return `   0: ${address} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${port} 1`.padEnd(
    149,
  );
}

test('S1: listeners are all read where a kernel with large pages cuts a line in its middle', async (t) => {
  const file = join(await makeDirectory(t), 'tcp');
  for (let count = 20; count <= 120; count += 1) {
    const listeners = Array.from({ length: count }, (_, at) => lineOf(9000 + at, '0A'));
    const connections = Array.from({ length: 400 }, (_, at) => lineOf(20_000 + at, '01'));
    await writeFile(file, `${[heading.padEnd(149), ...listeners, ...connections].join('\n')}\n`);
    const text = await readListening(file);
    assert.ok(text.includes(`${listeners.at(-1)}\n`), `${count} listeners`);
    assert.ok(text.length < 150 * (count + 130), 'the connections were read, too');
  }
});
