import { mkdir, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { RunTools } from '../../lib/deploy/run-tools.ts';
import { settleRun } from '../../lib/deploy/settle.ts';
import { readInFlight } from '../../lib/run/in-flight.ts';
import { ledgerPath } from '../../lib/run/state.ts';
import { makeState } from '../run/samples.ts';
import { suite } from '../suite.ts';

const test = suite('deploy/settle');
const run = '20260203-151120-4f2a';

for (const [what, text, notes] of [
  ['is empty', '', 0],
  ['ends in its first line', '{"at":"2026-02-03T15:11:20.000Z","type":"beg', 0],
  ['is of another version', '{"type":"begin","inputs":{"plan":2}}\n', 1],
  ['has steps and no beginning', 'half a line\n{"type":"step","name":"stop","state":"intended"}\n', 1],
] as const) {
  test(`S8: a run in flight whose ledger ${what} is ended${notes ? ', and told of' : ''}`, async (t) => {
    const paths = await makeState(t);
    await mkdir(paths.runs, { recursive: true });
    await writeFile(ledgerPath(paths, run), text);
    await writeFile(paths.inFlight, JSON.stringify({ run, pid: 1 }));
    const told: string[] = [];
    const emit: RunTools['emit'] = (event) => void told.push(event.type === 'note' ? event.message : event.type);
    const settled = await settleRun({ paths, emit } as RunTools);
    assert.equal([settled, await readInFlight(paths), told.length], [null, null, notes]);
    if (notes) assert.match(told[0] ?? '', ledgerPath(paths, run));
  });
}
