// needs: sandbox
import { writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { heldSite, letGo, lockText, untilBegun, untilSettled } from './running.ts';
import { buildId, calledFrom, type Refusal, until } from './site.ts';
import { assertSound } from './sound.ts';

const test = suite('deploy/defect');

const faults = {
  'an error that nobody catches': "throw new Error('a defect, told by https://someone:hunter22@example.org/')",
  'a rejection that nobody handles':
    "void Promise.reject(new Error('a defect, told by https://someone:hunter22@example.org/'))",
};

for (const [what, code] of Object.entries(faults)) {
  test(`S8: ${what} in the middle of a run: exit 3, one document, and systemd ends the run`, async (t) => {
    const site = await heldSite(t);
    const { sandbox, folder, config, state } = site;
    const fault = `${folder}/fault.cjs`;
    await writeFile(sandbox.hostPath(fault), `process.on('SIGUSR2', () => { ${code}; });`);
    const env = { NODE_OPTIONS: `--require ${fault}` };
    const child = await sandbox.startCutover(['deploy', 'production', '--json', '--config', config], { env });
    const [stdout, stderr] = [text(child.stdout), text(child.stderr)];
    await untilBegun(site, 'start');
    const pid = /"pid":(\d+)/.exec(await lockText(site))?.[1] ?? '';
    await sandbox.run('kill', '-USR2', pid);
    const ended = await child.ended;
    const called = calledFrom<Refusal>({ code: ended.code, stdout: await stdout, stderr: await stderr });
    const { error, exit_code } = called.document;
    assert.equal([called.code, exit_code, error.code], [3, 3, 'defect'], called.stderr);
    assert.is(error.message, 'a defect, told by https://someone:[redacted]@example.org/');
    assert.match(called.stderr, `cutover: ${error.message}\n  -> ${error.mend}`);
    assert.not.match(called.stderr, '    at ');
    await letGo(site);
    await until(
      'systemd has begun to end it',
      async () => (await sandbox.exec(['grep', '-q', 'reverting', '-r', `${state}/runs`])).code === 0,
    );
    await untilSettled(site);
    await assertSound(site, buildId(1));
  });
}
