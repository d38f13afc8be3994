// needs: sandbox
// deadline: 8min
import * as assert from 'uvu/assert';
import type { ExecResult } from '../../../lib/base/exec.ts';
import { makeSite, type Site, until } from '../../deploy/site.ts';
import { suite } from '../../suite.ts';
import { allow, installShipped, mainPid, port, service, untilRestarted } from './installed.ts';
import { type Answer, callInside, secret, signatureOf } from './receiving.ts';

const test = suite('triggers/serve/unit', { timeoutMs: 240_000 });

test('W1: as a user who can do nothing but start runs, the shipped receiver deploys', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox } = site;
  await installShipped(t, site);
  const path = (await push(site)).body.run as string;
  const run = await ended(site, path);
  assert.equal([run.outcome, run.error], ['deployed', null], JSON.stringify(run));
  assert.is(run.document.outcome, 'deployed', 'the records of runs, which are root’s, are read');
  let health: Answer | undefined;
  await until('it is well, and knows its limit', async () => {
    [health] = await callInside(sandbox, port, [{ path: '/health' }]);
    return health?.status === 200 && health.body.memory_limit_bytes !== null;
  });
  assert.equal(health?.body.problems, []);
  assert.is(health?.body.memory_limit_bytes, 512 * 1024 * 1024);
  // What the page shows is seen from there.
  let state: Answer | undefined;
  await until('the target is seen to be up', async () => {
    [state] = await callInside(sandbox, port, [{ path: '/state' }]);
    return state?.body.targets[0].standing === 'up';
  });
  const [metrics] = await callInside(sandbox, port, [{ path: '/metrics' }]);
  assert.match(String(metrics?.body), 'cutover_serve_requests_total{path="/hooks/plain",status="202"} 1');
  const shown = await sandbox.run('systemctl', 'show', '--property=User,MemoryMax,Restart,RestartUSec', service);
  assert.match(shown, 'User=cutover-serve');
  const words = (): Promise<string> => sandbox.run('journalctl', '--no-pager', '--unit', service);
  await until('the journal has it', async () => (await words()).includes('POST /hooks/plain/production 202'));
  assert.not.match(await words(), secret);
  // Whoever was stopped whole and is started alone has its port held by systemd again.
  await sandbox.run('systemctl', 'stop', 'cutover-serve.socket', service);
  await sandbox.run('systemctl', 'restart', service);
  assert.is(await sandbox.run('systemctl', 'is-active', 'cutover-serve.socket'), 'active');
  await until('it listens there', async () => (await words()).match(/listens on the socket/g)?.length === 2);
});

test('W1: of everything else polkit allows that user nothing', async (t) => {
  const site = await makeSite(t);
  const { sandbox, unit, app } = site;
  await installShipped(t, site);
  const request = `cutover-request@${app}-production-r00000001x00000000.service`;
  const other = `cutover-request@other-production-r00000001x00000000.service`;
  const refused = [
    ['stop', unit],
    ['start', unit],
    ['restart', unit],
    ['stop', request],
    ['restart', request],
    ['start', other],
    ['start', `cutover-request@${app}-production-.service`],
    ['daemon-reload'],
  ];
  const commands = refused.map((words) => ['systemctl', '--no-ask-password', ...words]);
  for (const words of [...commands, ['systemd-run', '--no-ask-password', '--unit=x', '/bin/true']]) {
    const { code, stderr } = await asReceiver(site, words);
    assert.not.equal(code, 0, words.join(' '));
    // Not for want of the unit, or for words that systemctl does not understand.
    assert.match(stderr, /authentication required|Access denied|Permission denied/i, `${words.join(' ')}: ${code}`);
  }
  // It is begun: that there is nothing to carry out is another matter.
  const begun = await asReceiver(site, ['systemctl', '--no-ask-password', 'start', '--no-block', request]);
  assert.is(begun.code, 0, begun.stderr);
  assert.is(await sandbox.run('systemctl', 'is-active', unit), 'active');
});

test('W1: where polkit allows nothing, the run and the health say so', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  await installShipped(t, site, { isAllowed: false });
  const run = await ended(site, (await push(site)).body.run as string);
  assert.equal([run.state, run.outcome, run.error.code], ['done', null, 'permission']);
  assert.match(run.error.message, 'refuses to manage cutover-request@');
  assert.match(run.error.mend, 'cutover init --install');
  let health: Answer | undefined;
  await until('the health says so', async () => {
    [health] = await callInside(site.sandbox, port, [{ path: '/health' }]);
    return health?.status === 503;
  });
  assert.match(health?.body.problems.join(), 'runs cannot be started: systemd refuses');
  assert.match(health?.body.problems.join(), 'the last push to production came to nothing: systemd refuses');
  // The same delivery, once the rule is there.
  await allow(site);
  const again = await push(site);
  assert.is(again.body.replayed, undefined);
  assert.is((await ended(site, again.body.run as string)).outcome, 'deployed');
  await until('nothing is wrong any more', async () => {
    [health] = await callInside(site.sandbox, port, [{ path: '/health' }]);
    return health?.status === 200;
  });
});

test('W1: a receiver that hangs is started anew, and the port was never closed', async (t) => {
  const site = await makeSite(t, { builds: [{}, {}] });
  const { sandbox } = site;
  await installShipped(t, site, { lines: ['WatchdogSec=20s'] });
  const before = await mainPid(sandbox);
  // One that is well is left alone.
  await until('it lives for longer than that', async () => (await uptimeMs(site)) > 25_000, 60_000);
  assert.is(await mainPid(sandbox), before);
  await sandbox.run('kill', '-STOP', before);
  // It waits in the queue of the socket, which systemd holds.
  const pushed = push(site);
  pushed.catch(() => {});
  await untilRestarted(sandbox, before);
  const run = await ended(site, (await pushed).body.run as string);
  assert.is(run.outcome, 'deployed');
});

async function push({ sandbox }: Site): Promise<Answer> {
  const body = '{"branch":"main"}';
  const headers = { 'X-Signature-256': signatureOf(body) };
  const [answer] = await callInside(sandbox, port, [
    { method: 'POST', path: '/hooks/plain/production', headers, body },
  ]);
  const words = await sandbox.run('journalctl', '--no-pager', '--lines=50', '--unit', service);
  assert.is(answer?.status, 202, words);
  return answer as Answer;
}

async function ended({ sandbox }: Site, path: string) {
  let run: any;
  await until(
    'the request is over',
    async () => {
      run = (await callInside(sandbox, port, [{ path }]))[0]?.body;
      return run.state === 'done';
    },
    60_000,
  );
  return run;
}

async function uptimeMs({ sandbox }: Site): Promise<number> {
  const [health] = await callInside(sandbox, port, [{ path: '/health' }]);
  return health?.body.uptime_ms as number;
}

function asReceiver({ sandbox }: Site, [file = '', ...words]: string[]): Promise<ExecResult> {
  const user = ['setpriv', '--reuid=cutover-serve', '--regid=cutover-serve', '--clear-groups', '--'] as const;
  return sandbox.exec([...user, file, ...words], { timeoutMs: 60_000 });
}
