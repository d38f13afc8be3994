import * as assert from 'uvu/assert';
import { loadDbus } from '../../lib/systemd/dbus.ts';
import { suite } from '../suite.ts';

const test = suite('systemd/dbus');
const leaf = (type: string): unknown => ({ type, child: [] });

test('a signature is parsed once, to what the library makes of it', async () => {
  await loadDbus();
  const { parseSignature } = (await import('dbus-next/lib/signature.js')).default;
  const entry = { type: '{', child: [leaf('s'), leaf('v')] };
  assert.equal(parseSignature('a{sv}u'), [{ type: 'a', child: [entry] }, leaf('u')]);
  assert.is(parseSignature('a{sv}u'), parseSignature('a{sv}u'));
  assert.throws(() => parseSignature('a'), /unexpected end/);
});
