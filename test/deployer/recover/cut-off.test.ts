// needs: sandbox
// deadline: 10min
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import type { StartedProcess } from '../../../lib/base/exec.ts';
import type { RecoveryReport } from '../../../lib/report/recovery-report.ts';
import type { RunDocument } from '../../../lib/run/document.ts';
import { ledger, lockText } from '../../deploy/running.ts';
import { breakInService, buildId, type Called, calledFrom, makeSite, type Site, until } from '../../deploy/site.ts';
import { assertNothingLeft, assertSound } from '../../deploy/sound.ts';
import { suite } from '../../suite.ts';
import { configureRecovery, onlyOne, untilUp } from './one-service.ts';

const test = suite('deployer/recover/cut-off', { timeoutMs: 120_000 });
const first = buildId(1);
/** On a machine that has other things to do. */
const patienceMs = 40_000;

interface Recovering {
  child: StartedProcess;
  hasSaid(words: string): Promise<void>;
  end(): Promise<Called<RecoveryReport>>;
}

async function startRecovery(site: Site): Promise<Recovering> {
  const child = await site.sandbox.startCutover(['recover', '--json', '--config', site.config]);
  let said = '';
  const stdout = text(child.stdout);
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  return {
    child,
    hasSaid: (words) => until(`it says "${words}"`, async () => said.includes(words), patienceMs),
    async end() {
      const { code } = await child.ended;
      return calledFrom<RecoveryReport>({ code, stdout: await stdout, stderr: said });
    },
  };
}

async function untilOver({ sandbox, state }: Site): Promise<void> {
  const isOver = async (): Promise<boolean> => !(await readdir(sandbox.hostPath(state))).includes('in-flight');
  await until('the run is ended', isOver, patienceMs);
}

/** A stopped service whose repair waits until it may go on: the recovery is in the middle of it. */
async function midway(site: Site): Promise<Recovering & { goOn(): Promise<void> }> {
  const file = `${site.folder}/go-on`;
  await configureRecovery(site, { hooks: [`repair = "until test -e ${file}; do sleep 0.1; done"`] });
  await site.sandbox.run('systemctl', 'stop', site.unit);
  const recovering = await startRecovery(site);
  await until('the repair has begun', async () => /"repair","state":"intended"/.test(await ledger(site)), patienceMs);
  return { ...recovering, goOn: () => writeFile(site.sandbox.hostPath(file), '') };
}

async function newestRun(site: Site): Promise<RunDocument | undefined> {
  return (await site.call<{ runs: RunDocument[] }>('history')).document.runs[0];
}

test('R1: Ctrl-C ends a repair at once; the start goes on, so that the service is not left down', async (t) => {
  const site = await makeSite(t);
  const recovering = await midway(site);
  recovering.child.kill('SIGINT');
  const { code, document, stderr } = await recovering.end();
  const told = onlyOne(document);
  assert.equal([code, told.after.healthy], [0, true], stderr);
  assert.match(told.findings.join('\n'), /the repair failed.*interrupted/);
  assert.ok(document.duration_ms < 30_000);
  await assertSound(site, first);
});

test('R2: a signal between two attempts ends it with what is known by then', async (t) => {
  const site = await makeSite(t);
  await configureRecovery(site, { recovery: ['attempts = 3', 'delay = "10min"'] });
  await breakInService(site, first);
  const recovering = await startRecovery(site);
  await recovering.hasSaid('next attempt');
  recovering.child.kill('SIGTERM');
  const { code, document } = await recovering.end();
  assert.equal([code, document.attempts, document.recovered], [3, 1, false]);
  assert.is(onlyOne(document).run, (await newestRun(site))?.run);
  await assertNothingLeft(site);
});

test('R1: an attempt that is killed is gone on with by systemd, and what came of it is seen', async (t) => {
  const site = await makeSite(t);
  const recovering = await midway(site);
  const pid = /"pid":(\d+)/.exec(await lockText(site))?.[1] ?? '';
  await site.sandbox.run('kill', '-9', pid);
  await recovering.goOn();
  const { code, document, stderr } = await recovering.end();
  assert.match(onlyOne(document).findings.join('\n'), 'the attempt came to no end: it was ended by SIGKILL');
  assert.is(code, onlyOne(document).after.healthy ? 0 : 3, stderr);
  await untilOver(site);
  await untilUp(site);
  const run = await newestRun(site);
  assert.equal([run?.kind, run?.outcome, run?.active], ['recovery', 'deployed', first]);
  await assertSound(site, first);
});

test('R1: without the process that asked for it, an attempt comes to its end', async (t) => {
  const site = await makeSite(t);
  const recovering = await midway(site);
  recovering.child.kill('SIGKILL');
  await recovering.child.ended;
  assert.ok(JSON.parse(await readFile(site.sandbox.hostPath(`${site.state}/in-flight`), 'utf8')));
  await recovering.goOn();
  await untilOver(site);
  const run = await newestRun(site);
  assert.equal([run?.kind, run?.outcome], ['recovery', 'deployed']);
  assert.ok(run?.steps.every(({ status }) => status === 'done'));
  await assertSound(site, first);
});

test(
  'R1: an attempt that hangs is interrupted and then killed, and what it was at is told; systemd goes on with it',
  async (t) => {
    const tables = { stop: ['timeout = "1s"'], start: ['timeout = "5s"'], health: ['attempts = 1'] };
    const site = await makeSite(t);
    await site.configure({ tables });
    // The attempt is stopped by its own repair; who goes on with it is not.
    const stop = `mkdir ${site.folder}/stopped && kill -STOP $(grep -o '"pid":[0-9]*' ${site.state}/lock | cut -d: -f2); true`;
    const hooks = [`repair = { run = '''${stop}''', timeout = "3s" }`];
    await configureRecovery(site, { recovery: ['attempts = 2', 'delay = "1s"'], hooks });
    await site.sandbox.run('systemctl', 'stop', site.unit);
    const recovering = await startRecovery(site);
    const { document } = await recovering.end();
    const told = onlyOne(document);
    const [late] = told.findings.filter((text) => text.startsWith('the attempt was interrupted'));
    assert.match(
      late ?? '',
      /^the attempt was interrupted at \w+ of run [\d-]+-\w{4}, since it was not over within [\d.]+ /,
    );
    assert.match(told.findings.join('\n'), 'the attempt came to no end: it was ended by SIGKILL');
    await untilOver(site);
    await untilUp(site);
    await assertSound(site, first);
  },
  { timeoutMs: 240_000 },
);
