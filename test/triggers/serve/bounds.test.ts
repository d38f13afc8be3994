import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import * as assert from 'uvu/assert';
import { type Body, readBody } from '../../../lib/triggers/serve/body.ts';
import { networkOf } from '../../../lib/triggers/serve/peer.ts';
import { until } from '../../deploy/site.ts';
import { suite } from '../../suite.ts';

const test = suite('triggers/serve/bounds');
const mebi = 1024 * 1024;

test('W1: all addresses that one host has are bounded together', () => {
  const same = ['2001:db8:0:5::1', '2001:0db8:0000:0005:ffff:1:2:3', '2001:DB8:0:5:1::', '2001:db8:0:5::'];
  for (const address of same) assert.is(networkOf(address), '2001:db8:0:5::/64', address);
  const others: [string, string][] = [
    ['2001:db8:0:6::1', '2001:db8:0:6::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['unknown', 'unknown'],
  ];
  for (const [address, network] of others) assert.is(networkOf(address), network);
  // A proxy passes on whatever it was given.
  for (const odd of [':::', '1:2:3:4:5:6:7:8:9::', '::1::2', ':']) assert.type(networkOf(odd), 'string');
});

test('W1: one that sends much, and never its end, keeps nobody else from being read', async () => {
  const slow = Array.from({ length: 8 }, (_, n) => sending(`2001:db8::${n + 1}`));
  for (const { stream } of slow) stream.write(Buffer.alloc(mebi));
  await until('all of it is read', async () =>
    slow.every(({ stream }) => stream.readableLength === 0 && stream.writableLength === 0),
  );
  const more = sending('2001:db8::99');
  more.stream.write('x');
  assert.is(await more.body, 'busy');
  const other = sending('192.0.2.1');
  other.stream.end('{}');
  assert.equal(await other.body, Buffer.from('{}'));
  for (const { stream } of slow) stream.end();
  for (const { body } of slow) assert.is((await body).length, mebi);
  const again = sending('2001:db8::99');
  again.stream.end('{}');
  assert.equal(await again.body, Buffer.from('{}'));
});

/** A request whose body the test writes. */
function sending(remoteAddress: string): { stream: PassThrough; body: Promise<Body> } {
  const stream = new PassThrough();
  const incoming = Object.assign(stream, { headers: {}, socket: { remoteAddress } });
  return { stream, body: readBody(incoming as unknown as IncomingMessage) };
}
