import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { coloursFor } from '../../lib/report/colour.ts';
import { logFileListener, logPath } from '../../lib/report/log-file.ts';
import { fanOut, type RunEvent } from '../../lib/run/events.ts';
import { makeTmpfs } from '../base/tmpfs.ts';
import { makeDirectory } from '../builds/directory.ts';
import { documentWith, inputsOf, newer, older } from '../run/samples.ts';
import { suite } from '../suite.ts';

const test = suite('report/log-file');
const run = '20260203-151120-4f2a';
const unit = 'shop.service';
const plain = coloursFor({}, { isWanted: false, env: {} });
const note = (message: string): RunEvent => ({ type: 'note', message });
const begin: RunEvent = { type: 'begin', inputs: inputsOf(run) };
const outcome: RunEvent = { type: 'outcome', document: documentWith() };

test('S10: a log is named after the unit and the time of the run', () => {
  assert.is(
    logPath({ directory: '/var/log/cutover', unit, run }),
    `/var/log/cutover/deployment-${unit}-20260203-151120.log`,
  );
});

test('S10: the log holds what came before the run too, each line with its time, and the document last', async (t) => {
  const directory = join(await makeDirectory(t), 'logs');
  const tell = logFileListener({ directory, unit, manager: 'system', plain });
  tell(note('before'));
  assert.equal(await readdir(join(directory, '..')), []);
  tell(begin);
  tell({ type: 'attempt', number: 1, of: 3, problem: null, observed: '200' });
  const path = logPath({ directory, unit, run });
  // Written at once: a run that is killed here leaves these lines.
  assert.match(await readFile(path, 'utf8'), 'attempt 1 of 3: 200');
  tell(outcome);
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  assert.equal(JSON.parse(lines.pop() ?? ''), documentWith());
  const texts = lines.map((line) => line.replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /, ''));
  assert.is(texts[0], '  note: before');
  assert.is(texts[1], `deploy ${older} -> ${newer}`);
  assert.match(texts[3] ?? '', `shop serves ${newer}`);
  for (const [at, line] of lines.entries()) assert.is.not(line, texts[at]);
  assert.is((await stat(path)).mode & 0o007, 0);
  assert.equal(await readdir(directory), [`deployment-${unit}-20260203-151120.log`]);
});

test('S10: a run that was refused before it had a name leaves no log, and one with a name does', async (t) => {
  const directory = join(await makeDirectory(t), 'logs');
  const tell = logFileListener({ directory, unit, manager: 'system', plain });
  tell(note('before'));
  tell({ type: 'outcome', document: documentWith({ run: null, outcome: 'refused' }) });
  assert.equal(await readdir(join(directory, '..')), []);
  tell({ type: 'outcome', document: documentWith({ outcome: 'refused' }) });
  assert.match(await readFile(logPath({ directory, unit, run }), 'utf8'), 'note: before');
});

test('S10: a log that is there already is added to', async (t) => {
  const directory = await makeDirectory(t);
  const path = logPath({ directory, unit, run });
  await writeFile(path, 'earlier\n');
  const tell = logFileListener({ directory, unit, manager: 'system', plain });
  tell(begin);
  assert.match(await readFile(path, 'utf8'), /^earlier\n\d{4}-.* deploy /);
});

test('S10: a directory that cannot be written, or is full, breaks the listener and not the run', async (t) => {
  const { path: full } = await makeTmpfs(t, 8_192);
  await writeFile(join(full, 'all'), 'x'.repeat(8_192)).catch(() => {});
  const file = join(await makeDirectory(t), 'file');
  await writeFile(file, '');
  await chmod(file, 0o400);
  for (const directory of [full, join(file, 'logs')]) {
    const broken: unknown[] = [];
    const heard: string[] = [];
    const listeners = [
      logFileListener({ directory, unit, manager: 'system', plain }),
      (event: RunEvent) => void heard.push(event.type),
    ];
    const emit = fanOut(listeners, (error) => void broken.push(error));
    for (const event of [note('before'), begin, note('x'.repeat(10_000)), outcome]) emit(event);
    assert.is(broken.length, 1, directory);
    assert.equal(heard, ['note', 'begin', 'note', 'outcome']);
  }
});
