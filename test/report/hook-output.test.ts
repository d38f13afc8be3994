import { readFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { redactorOf } from '../../lib/base/redactor.ts';
import { coloursFor } from '../../lib/report/colour.ts';
import { logFileListener, logPath } from '../../lib/report/log-file.ts';
import { terminalListener } from '../../lib/report/terminal.ts';
import { documentOf } from '../../lib/run/document.ts';
import type { RunEvent } from '../../lib/run/events.ts';
import { makeDirectory } from '../builds/directory.ts';
import { documentWith, inputsOf } from '../run/samples.ts';
import { suite } from '../suite.ts';

const test = suite('report/what hooks print');
const run = '20260203-151120-4f2a';
const unit = 'shop.service';
const plain = coloursFor({}, { isWanted: false, env: {} });
const line = (text: string): RunEvent => ({ type: 'output', hook: 'test', line: text });

/** What a terminal of that level shows of one line. */
function seenAt(level: 'quiet' | 'normal' | 'verbose'): string {
  let text = '';
  const write = (more: string): void => void (text += more);
  terminalListener({ write, colours: plain, isLive: false, level, manager: 'system' })(line('7 tests passed'));
  return text;
}

test('P5: a person sees it below the hook, indented; who wants quiet does not', () => {
  assert.equal(
    [seenAt('quiet'), seenAt('normal'), seenAt('verbose')],
    ['', '    | 7 tests passed\n', '    | 7 tests passed\n'],
  );
});

test('P5: it is in the log of its run from its first line on, before the run begins and after its outcome', async (t) => {
  const directory = await makeDirectory(t);
  const tell = logFileListener({ directory, unit, manager: 'system', plain });
  const text = (): Promise<string> => readFile(logPath({ directory, unit, run }), 'utf8');
  tell({ type: 'run', run });
  tell(line('tested'));
  assert.match(await text(), '    | tested');
  tell({ type: 'begin', inputs: inputsOf(run) });
  tell({ type: 'outcome', document: documentWith() });
  tell({ type: 'run', run });
  tell(line('announced'));
  assert.match(await text(), /tested[^]*deploy dist[^]*"outcome":"deployed"[^]*announced\n$/);
});

test('W4: secrets that are known are neither in the lines of the log nor in its document', async (t) => {
  const directory = await makeDirectory(t);
  const redact = redactorOf(['planted secret']);
  const tell = logFileListener({ directory, unit, manager: 'system', plain, redact });
  tell({ type: 'begin', inputs: inputsOf(run) });
  tell({ type: 'note', message: 'a planted secret here' });
  const failure = { step: 'gate', reason: 'journal' as const, message: 'wrote planted secret', evidence: null };
  tell({ type: 'outcome', document: documentWith({ outcome: 'rolled_back', failure }) });
  const text = await readFile(logPath({ directory, unit, run }), 'utf8');
  assert.not.match(text, 'planted');
  assert.is(text.match(/\[redacted\]/g)?.length, 3);
});

test('P6: the document has the stages before the steps', () => {
  const stages = [{ name: 'test', status: 'done' as const, duration_ms: 4000 }];
  const { outcome, exit_code, active, downtime_ms, checks, failure } = documentWith();
  const steps = [{ name: 'stop', status: 'done' as const, duration_ms: 40 }];
  const ending = { outcome, exit_code, active, downtime_ms, checks, failure, steps };
  assert.equal(documentOf(inputsOf(run, { stages }), ending).steps, [...stages, ...steps]);
  assert.equal(documentOf(inputsOf(run), ending).steps, steps);
});
