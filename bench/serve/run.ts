/** `npm run bench:serve`: how fast the receiver turns unsigned requests away beside a bare server, and its memory; writes `bench/serve.md`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Asked, askFor } from './asking.ts';

const here = dirname(fileURLToPath(import.meta.url));
const cutover = join(dirname(dirname(here)), 'bin/cutover.js');
const seconds = Number(process.env.SERVE_SECONDS ?? 10);
const manyAddresses = 5_000;

interface Row extends Asked {
  name: string;
  idleBytes: number;
  peakBytes: number;
}

const place = await mkdtemp(join(tmpdir(), 'cutover-serve-'));
try {
  const config = await writeConfig();
  const serve = [cutover, 'serve', '--config', config];
  const rows = [
    await measure('node:http alone, always 401', [join(here, 'bare.mjs')], 1),
    await measure('`cutover serve`, from one address', serve, 1),
    await measure(`\`cutover serve\`, from ${manyAddresses} addresses`, serve, manyAddresses),
  ];
  await writeFile(join(dirname(here), 'serve.md'), textOf(rows));
} finally {
  await rm(place, { recursive: true });
}

async function writeConfig(): Promise<string> {
  const [path, secret] = [join(place, 'cutover.toml'), join(place, 'secret')];
  await writeFile(secret, 'a-secret-that-is-long-enough', { mode: 0o600 });
  const target = `[targets.production]\nunit = "bench.service"\nbuilds = "${place}/builds"\n`;
  const serve = `[serve]\nlisten = "127.0.0.1:4949"\nsecret_file = "${secret}"\n`;
  await writeFile(path, `app = "bench"\nstate = "${place}/state"\nlogs = "${place}/logs"\n${target}${serve}`);
  return path;
}

async function measure(name: string, words: string[], addresses: number): Promise<Row> {
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  try {
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    const port = Number(/:(\d+)\s/.exec(said.toString())?.[1]);
    child.stdout.resume();
    const idleBytes = await memory(child.pid, 'VmRSS');
    const asked = await askFor(seconds, port, addresses);
    console.log(`${name}: ${Math.round(asked.perSecond)} a second`);
    return { name, ...asked, idleBytes, peakBytes: await memory(child.pid, 'VmHWM') };
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

/** As the kernel tells it (proc_pid_status(5)). */
async function memory(pid: number | undefined, field: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
}

function textOf(rows: readonly Row[]): string {
  const [floor] = rows;
  const lines = rows.map(({ name, perSecond, answers, failed, idleBytes, peakBytes }) => {
    const counts = [...answers].toSorted(([a], [b]) => a - b).map(([status, count]) => `${count} × ${status}`);
    const ratio = (perSecond / (floor?.perSecond ?? perSecond)).toFixed(2);
    const [idle, peak] = [idleBytes, peakBytes].map((bytes) => `${Math.round(bytes / 2 ** 20)} MiB`);
    return `| ${name} | ${Math.round(perSecond)} | ${ratio} | ${counts.join(', ')} | ${failed} | ${idle} | ${peak} |`;
  });
  const [load = 0] = loadavg();
  return `# What unsigned requests cost the receiver

\`npm run bench:serve\`. Forged pushes of 2 kB on 64 kept connections, ${seconds} s for each row, one after the other in one run; the
machine's load was ${load.toFixed(1)} at the end. The receiver reads the body whole and compares its signature before it says 401; what comes faster
than its limits allow (20 a second from one address, 200 from all) is told 429 before anything is read.

| | answered a second | × bare | answers | failed | memory before | at most |
|---|---|---|---|---|---|---|
${lines.join('\n')}
`;
}
