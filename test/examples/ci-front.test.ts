// needs: sandbox
// deadline: 6min
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { repository } from '../sandboxed.ts';
import { freePortInside, untilAnsweringInside } from '../services/inside.ts';
import { suite, type TestContext } from '../suite.ts';
import { assertSaid, type Bed, logins, makeBed, patientWebhook, receiverStart, startReceiver } from './ci-bed.ts';
import { requireDebian } from '../debian.ts';

const test = suite('examples/ci-front', { timeoutMs: 180_000 });

/** The lines that examples/webhook gives for the web server in front. */
async function frontLines(): Promise<string> {
  const text = await readFile(join(repository, 'examples/webhook/README.md'), 'utf8');
  return /```nginx\n([^`]+)```/.exec(text)?.[1] ?? '';
}

/** nginx in front of the bed's receiver. @returns its address */
async function startFront(t: TestContext, { sandbox, folder, port: receiver }: Bed, lines: string): Promise<string> {
  requireDebian({ nginx: '/usr/sbin/nginx' });
  const port = await freePortInside(sandbox);
  const own = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const server = lines.replaceAll('127.0.0.1:4040', `127.0.0.1:${receiver}`);
  const text = `daemon off; pid ${folder}/nginx.pid; error_log stderr; user root;
events {}
http { access_log off; ${own.join(' ')} server { listen 127.0.0.1:${port}; server_name deploy.example.org; root ${folder}/none;
${server} } }
`;
  await writeFile(sandbox.hostPath(`${folder}/nginx.conf`), text);
  const child = await sandbox.spawn(['/usr/sbin/nginx', '-e', 'stderr', '-c', `${folder}/nginx.conf`]);
  child.stdout.resume();
  child.stderr.resume();
  t.cleanup(async () => {
    child.kill('SIGTERM');
    await child.ended;
  });
  await untilAnsweringInside(sandbox, `tcp:127.0.0.1:${port}`);
  return `http://127.0.0.1:${port}`;
}

test('W2: behind the web server of examples/webhook, CI deploys by webhook', async (t) => {
  const bed = await makeBed(t, { builds: [{}, {}] });
  await startReceiver(bed);
  const url = await startFront(t, bed, await frontLines());
  const job = await bed.job(['production'], { ...patientWebhook, CUTOVER_URL: url });
  assert.is(job.code, 0, job.said + job.stderr);
  assertSaid(job, 'way: webhook, because the receiver is well', /, way: webhook\)\n$/);
  assert.is(await logins(bed), 0);
  for (const path of ['/', '/metrics', '/state', '/healthy']) {
    const status = await bed.sandbox.run('curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', url + path);
    assert.is(status.trim(), '404', path);
  }
});

test('W2: a web server that passes /hooks/ alone: over SSH, it says what is set wrong, and lets the receiver be', async (t) => {
  const bed = await makeBed(t, { builds: [{}, {}] });
  await startReceiver(bed);
  const before = await receiverStart(bed);
  const lines = 'location /hooks/ { proxy_pass http://127.0.0.1:4040; proxy_set_header X-Forwarded-For $remote_addr; }';
  const url = await startFront(t, bed, lines);
  const job = await bed.job(['production'], { CUTOVER_URL: url });
  assert.is(job.code, 0, job.said + job.stderr);
  assertSaid(
    job,
    'way: ssh, because the receiver answers 404: nothing that a receiver says; see what is set at http://',
  );
  assert.not.match(job.said, /attempt 2 of 3|restarted/);
  assert.is(await receiverStart(bed), before, 'it was restarted');
});
