import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { exec } from '../../lib/base/exec.ts';
import type { SloReport } from '../../lib/report/slo-text.ts';
import { statePaths } from '../../lib/run/state.ts';
import { makeDirectory } from '../builds/directory.ts';
import { gateFailure, leaveRun } from '../run/samples.ts';
import { repository } from '../sandboxed.ts';
import { suite } from '../suite.ts';

const test = suite('cli/slo');

test('R7: report --slo tells the figures as text and as one JSON document, without systemd', async (t) => {
  const directory = await makeDirectory(t);
  const config = join(directory, 'cutover.toml');
  const target = ['[targets.production]', 'unit = "shop.service"', 'builds = "/nowhere"', 'port = 9000'];
  await writeFile(config, [`app = "shop"`, `state = "${directory}/state"`, ...target].join('\n'));
  const call = (...words: string[]) => {
    const command = [process.execPath, join(repository, 'bin/cutover.js'), ...words, '--config', config] as const;
    return exec(command, { timeoutMs: 30_000, cwd: '/', env: { DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/nowhere' } });
  };
  assert.is((await call('report', '--slo')).stdout, 'shop production: no runs yet, so nothing is known');
  const paths = statePaths({ state: `${directory}/state`, app: 'shop', target: 'production' });
  await leaveRun(paths, '20260203-151120-4f2a', {});
  await leaveRun(paths, '20260204-151120-4f2a', { outcome: 'rolled_back', failure: gateFailure });
  const text = await call('report', 'production', '--slo');
  assert.is(text.code, 0, text.stderr);
  for (const part of [
    'shop production: 2 runs from 2026-02-03T15:11:20.000Z',
    '✓ recovery success',
    'goal: over 99.9 %',
  ])
    assert.match(text.stdout, part);
  const json = await call('report', '--slo', '--json');
  const { figures, failures } = JSON.parse(json.stdout) as SloReport;
  assert.is(failures[0]?.run, '20260204-151120-4f2a');
  for (const [name, figure] of Object.entries(figures)) assert.ok(figure.means.length > 20, name);
  assert.is(figures.recovery_success.value, 1);
});

test('R7: what --slo does not know is a mistake in the usage', async () => {
  const cases: [words: string[], said: string][] = [
    [
      ['report', 'production', '20260203-151120-4f2a', '--slo'],
      'the figures are of a target, not of run 20260203-151120-4f2a',
    ],
    [['report', '--since=30d'], '--since is for the figures'],
    [['report', '--slo', '--since=soon'], '--since: "soon" is not a duration'],
  ];
  for (const [words, said] of cases) {
    const command = [process.execPath, join(repository, 'bin/cutover.js'), ...words] as const;
    const { code, stderr } = await exec(command, { timeoutMs: 30_000, cwd: '/' });
    assert.is(code, 64, stderr);
    assert.match(stderr, said);
  }
});
