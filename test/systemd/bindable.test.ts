import * as assert from 'uvu/assert';
import { areBindable } from '../../lib/systemd/bindable.ts';
import { listListeners } from '../../lib/systemd/sockets.ts';
import { freePort } from '../services/free-port.ts';
import { suite } from '../suite.ts';
import { close, listen } from './listener.ts';

const test = suite('systemd/bindable');

for (const host of ['127.0.0.1', '127.0.0.9', '0.0.0.0', '::1', '::']) {
  test(`S2: a port that somebody listens on at ${host} is not free, and is once it is closed`, async (t) => {
    const { server, port } = await listen(t, host, await freePort());
    assert.is(await areBindable([port]), false);
    const { port: other } = await listen(t, '127.0.0.1', await freePort());
    await close(server);
    assert.equal([await areBindable([port]), await areBindable([port, other])], [true, false]);
    assert.equal(await listListeners([port]), [], 'it was open for an instant');
    // Whoever comes next has it.
    await listen(t, host, port);
  });
}

test('S2: no port is free', async () => {
  assert.is(await areBindable([]), true);
});
