import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as assert from 'uvu/assert';
import { openController } from '../../lib/base/wait.ts';
import type { CheckAnswer } from '../../lib/checks/check.ts';
import { preflight, type PreflightSubject } from '../../lib/deploy/preflight.ts';
import { requireSockets } from '../../lib/deploy/socket-units.ts';
import type { Systemd } from '../../lib/systemd/systemd.ts';
import { makeDirectory, rejection } from '../builds/directory.ts';
import { suite } from '../suite.ts';

const test = suite('deploy/preflight');

test('S1: an interruption ends the question about health at once', async (t) => {
  const server = createServer(() => {}).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.cleanup(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const builds = await makeDirectory(t);
  const health = { urls: [url], statuses: [], json: {}, body: null, headers: {}, timeoutMs: 60_000 };
  const target = { name: 'main', unit: 'app.service', builds, ports: [], limits: {}, health, hooks: {} };
  const controller = openController();
  const { signal } = controller;
  const about = {
    target,
    facts: { manager: 'system', triggeredBy: [] },
    systemd: { isRoots: () => true },
    paths: {},
    configured: [],
    passedOver: null,
    signal,
  };
  const answered = new Promise<CheckAnswer>((resolve) => {
    const subject = { ...about, state: builds, isFirst: false } as unknown as PreflightSubject;
    preflight(subject, (answer) => answer.name === 'health' && resolve(answer)).catch(() => {});
  });
  await once(server, 'request');
  const began = performance.now();
  controller.abort(new Error('interrupted'));
  assert.is((await answered).status, 'fail');
  assert.ok(performance.now() - began < 30_000);
});

test('S4: what to type about a socket of the user goes to the manager of the user', async () => {
  const systemd = {
    facts: async () => ({ manager: 'user', triggeredBy: ['app.socket'] }),
    property: async () => 'failed',
    resetFailed: async () => {},
    loadedUnits: async () => [],
    processes: async () => [],
    start: async () => 'done',
    stop: async () => 'done',
  } as unknown as Systemd;
  const target = { unit: 'app.service', builds: '/nonexistent', stopTimeoutMs: 1_000, startTimeoutMs: 1_000 };
  const error = await rejection(requireSockets(systemd, target));
  assert.match(error.message, 'systemctl --user status app.socket');
});
