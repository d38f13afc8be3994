import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { chmod, link, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { coloursFor } from '../../lib/report/colour.ts';
import { findLog, logFileListener, logPath, timeInLogName } from '../../lib/report/log-file.ts';
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
  assert.equal(texts.slice(0, 3), [`run ${run}`, '  note: before', `deploy ${older} -> ${newer}`]);
  assert.match(texts[4] ?? '', `shop serves ${newer}`);
  for (const [at, line] of lines.entries()) assert.is.not(line, texts[at]);
  assert.is((await stat(path)).mode & 0o007, 0);
  assert.equal(await readdir(directory), [`deployment-${unit}-20260203-151120.log`]);
});

test('S10: a log where all is private is private too', async (t) => {
  for (const [isPrivate, directoryMode, fileMode] of [
    [true, 0o700, 0o600],
    [false, 0o750, 0o640],
  ] as const) {
    const directory = join(await makeDirectory(t), 'logs');
    const tell = logFileListener({ directory, unit, isPrivate, manager: 'user', plain });
    for (const event of [begin, outcome, note('slack was not told')]) tell(event);
    const modes = [directory, logPath({ directory, unit, run })].map((path) => statSync(path).mode & 0o777);
    assert.equal(modes, [directoryMode, fileMode]);
  }
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

test('S10: the log of a run that is ended later is gone on with', async (t) => {
  const directory = await makeDirectory(t);
  const listener = () => logFileListener({ directory, unit, manager: 'system', plain });
  listener()(begin);
  listener()(outcome);
  assert.equal(await readdir(directory), [`deployment-${unit}-20260203-151120.log`]);
  const text = await readFile(logPath({ directory, unit, run }), 'utf8');
  assert.match(text, /^\S+ run 20260203-151120-4f2a\n\S+ deploy .*\n\S+ shop serves /);
});

test('S10, P4: what is told after the outcome is added to the log of the run', async (t) => {
  const directory = await makeDirectory(t);
  const tell = logFileListener({ directory, unit, manager: 'system', plain });
  for (const event of [begin, outcome, note('slack was not told')]) tell(event);
  const lines = (await readFile(logPath({ directory, unit, run }), 'utf8')).trimEnd().split('\n');
  assert.equal(JSON.parse(lines.at(-2) ?? ''), documentWith());
  assert.match(lines.at(-1) ?? '', /^\S+Z {3}note: slack was not told$/);
  assert.is((await readdir(directory)).length, 1);
});

test('S10: runs of one second have a log each, and each is found', async (t) => {
  const directory = await makeDirectory(t);
  const runs = ['4f2a', '4f2b', '4f2c'].map((end) => `20260203-151120-${end}`);
  await writeFile(join(directory, `deployment-${unit}-20260203-151120-3.log`), 'of something else\n');
  for (const name of [...runs, ...runs]) {
    const tell = logFileListener({ directory, unit, manager: 'system', plain });
    tell({ type: 'begin', inputs: inputsOf(name) });
    tell(note(`of ${name}`));
  }
  const ends = ['', '-2', '-4'].map((end) => `deployment-${unit}-20260203-151120${end}.log`);
  for (const [at, name] of runs.entries()) {
    assert.is(findLog({ directory, unit, run: name }), join(directory, ends[at] ?? ''));
    const text = await readFile(join(directory, ends[at] ?? ''), 'utf8');
    assert.is(text.split(`of ${name}`).length, 3, text);
    assert.is(text.split('note: ').length, 3, 'nothing of the others');
  }
  assert.is(findLog({ directory, unit, run: '20260203-151120-0000' }), null);
  assert.is(findLog({ directory: '/nowhere', unit, run }), null);
});

test('S10: what others put in the place of a log is not written to: a link, another name of a file, a pipe', async (t) => {
  const [directory, elsewhere] = [await makeDirectory(t), await makeDirectory(t)];
  const text = `2026-02-03T15:11:20.000Z run ${run}\n`;
  const victims = ['linked', 'named'].map((name) => join(elsewhere, name));
  const [linked = '', named = ''] = victims;
  for (const path of victims) await writeFile(path, text);
  await symlink(linked, logPath({ directory, unit, run }));
  await link(named, logPath({ directory, unit, run }, 2));
  const tell = (): void => {
    for (const event of [begin, outcome, note('slack was not told')])
      logFileListener({ directory, unit, manager: 'system', plain })(event);
  };
  tell();
  for (const path of victims) assert.is(await readFile(path, 'utf8'), text);
  assert.match(await readFile(logPath({ directory, unit, run }, 3), 'utf8'), /^\S+ run \S+\n[^]*shop serves/);
  await rm(logPath({ directory, unit, run }, 3));
  execFileSync('mkfifo', [logPath({ directory, unit, run }, 3)]);
  tell();
  assert.match(await readFile(logPath({ directory, unit, run }, 4), 'utf8'), 'shop serves');
});

test('S8: a run that is ended before another begins, in one process, keeps its own log', async (t) => {
  const directory = await makeDirectory(t);
  const tell = logFileListener({ directory, unit, manager: 'system', plain });
  const later = '20260203-151121-0000';
  for (const event of [note('first'), begin, note('of the one'), { type: 'begin', inputs: inputsOf(later) } as const])
    tell(event);
  tell({ type: 'outcome', document: documentWith({}, inputsOf(later)) });
  const [one, two] = [run, later].map((name) => readFileSync(logPath({ directory, unit, run: name }), 'utf8'));
  assert.match(one ?? '', 'of the one');
  assert.not.match(one ?? '', 'shop serves');
  assert.match(two ?? '', /^\S+ run 20260203-151121-0000\n\S+ deploy .*\n\S+ shop serves /);
});

test('S10: only what is a name of a log of this very unit is one', () => {
  const time = '20260203-151120';
  for (const name of [`deployment-${unit}-${time}.log`, `deployment-${unit}-${time}-12.log`])
    assert.is(timeInLogName(name, unit), time, name);
  for (const end of ['', `x-${time}.log`, `-${time}.log.1.gz`, `-${time}-.log`, '-.log', `-${time}`])
    assert.is(timeInLogName(`deployment-${unit}${end}`, unit), null, end);
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
