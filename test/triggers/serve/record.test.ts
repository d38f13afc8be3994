import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readRecord } from '../../../lib/triggers/serve/record.ts';
import { readState } from '../../../lib/triggers/monitor/state.ts';
import { makeState } from '../../run/samples.ts';
import { suite } from '../../suite.ts';

const test = suite('triggers/serve/record');

test("W1: a pipe in the place of a request's record, or of the monitor's state, tells nothing, and is not waited for", async (t) => {
  const paths = await makeState(t);
  await mkdir(join(paths.directory, 'requests'), { recursive: true });
  const id = 'r00000001x00000000';
  execFileSync('mkfifo', [join(paths.directory, 'requests', `${id}.json`), join(paths.directory, 'monitor.json')]);
  assert.equal([await readRecord(paths, id), await readState(paths)], [null, null]);
});
