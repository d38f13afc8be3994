import * as assert from 'uvu/assert';
import { openController } from '../../../lib/base/wait.ts';
import { parseText } from '../../../lib/config/load.ts';
import { statePaths } from '../../../lib/run/state.ts';
import type { Systemd } from '../../../lib/systemd/systemd.ts';
import { launcher } from '../../../lib/triggers/serve/launch.ts';
import { writeRecord } from '../../../lib/triggers/serve/record.ts';
import { makeDirectory } from '../../builds/directory.ts';
import { suite } from '../../suite.ts';

const test = suite('triggers/serve/launch');
const request = { id: 'r00000001x4f2a9c1b', target: 'production' };

test('W1: a start that was canceled before anything was written down is made again, as after a shutdown', async (t) => {
  const text = `app = "shop"
state = "${await makeDirectory(t)}"
[targets.production]
unit = "shop.service"
builds = "/nowhere"
`;
  const config = await parseText(text, { file: '/nowhere/cutover.toml', mode: 0o600 });
  const paths = statePaths({ state: config.state, app: 'shop', target: 'production' });
  const times = { started_at: '2026-02-03T15:00:00.000Z', ended_at: '2026-02-03T15:00:01.000Z' };
  const ended = { id: request.id, ...times, run: null, stage: null, exit_code: 0, document: null, error: null };
  let starts = 0;
  const start: Systemd['start'] = async () => {
    starts += 1;
    if (starts === 1) return 'canceled';
    await writeRecord(paths, ended);
    return 'done';
  };
  const parts = { config, systemd: { start } as Systemd, signal: openController().signal };
  const launch = launcher({ ...parts, command: ['true'], environment: {}, onProblem: () => {} });
  assert.equal(await launch(request), { run: null, outcome: null, exit_code: 0, error: null });
  assert.is(starts, 2);
});
