// needs: sandbox
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { repository, sandboxFor } from '../sandboxed.ts';
import { suite } from '../suite.ts';

const test = suite('units');
const kinds = /\.(service|socket|timer|path|target|slice)$/;
const installed = '/etc/systemd/system';

/** The shipped units and those of the examples, by their names below the repository. */
async function shippedUnits(): Promise<string[]> {
  const found = await Promise.all(
    ['units', 'examples'].map(async (root) =>
      (await readdir(join(repository, root), { recursive: true })).map((name) => join(root, name)),
    ),
  );
  return found
    .flat()
    .filter((name) => kinds.test(name))
    .toSorted();
}

/** A unit's text with programs that every machine has: which of them the user has is not the unit's fault. */
function withKnownPrograms(text: string): string {
  return text.replaceAll(/^(Exec\w+=[-+!@:]*)(\S+)/gm, '$1/bin/true');
}

/** The name to load: a template gets an instance. */
function instanceOf(name: string): string {
  return name.replace(/@(?=\.)/, '@sample');
}

test('S5: there are units, and each has what tells people of it', async () => {
  const names = await shippedUnits();
  assert.ok(names.length > 0);
  for (const name of names) {
    const text = await readFile(join(repository, name), 'utf8');
    assert.match(text, /^\[Unit\]$/m, name);
    assert.match(text, /^Description=\S/m, name);
  }
});

/** The units by the folder that they are installed from together, since they name one another. */
async function shippedSets(): Promise<[string, string[]][]> {
  const sets = new Map<string, string[]>();
  for (const name of await shippedUnits()) sets.set(dirname(name), [...(sets.get(dirname(name)) ?? []), name]);
  return [...sets];
}

test('S5: systemd finds nothing wrong with any of them', async (t) => {
  const sandbox = await sandboxFor();
  for (const [set, names] of await shippedSets()) {
    for (const name of names) {
      const path = sandbox.hostPath(join(installed, basename(name)));
      await writeFile(path, withKnownPrograms(await readFile(join(repository, name), 'utf8')));
      t.cleanup(() => rm(path, { force: true }));
    }
    await sandbox.run('systemctl', 'daemon-reload');
    for (const name of names) {
      const unit = instanceOf(basename(name));
      const command = ['systemd-analyze', 'verify', '--man=no', '--recursive-errors=no', unit] as const;
      const { code, stdout, stderr } = await sandbox.exec(command);
      assert.equal([code, stdout, stderr], [0, '', ''], `${set}: ${name}`);
    }
    for (const name of names) await rm(sandbox.hostPath(join(installed, basename(name))));
  }
});

test('S5: systemd would find what is wrong', async (t) => {
  const sandbox = await sandboxFor();
  const path = sandbox.hostPath(`${installed}/wrong.service`);
  t.cleanup(() => rm(path, { force: true }));
  const command = ['systemd-analyze', 'verify', '--man=no', '--recursive-errors=no', 'wrong.service'] as const;
  for (const line of ['RestartSek=2', 'TimeoutStopSec=ten', 'ExecStart=relative/path']) {
    await writeFile(path, `[Service]\nExecStart=/bin/true\nType=oneshot\n${line}\n`);
    const { code, stderr } = await sandbox.exec(command);
    assert.ok(code !== 0 || stderr !== '', line);
  }
});

test('S5: the unit for an application stops, starts and gives up as the contract says', async () => {
  const text = await readFile(join(repository, 'units/app.service'), 'utf8');
  const expected = [
    'StartLimitIntervalSec=300',
    'StartLimitBurst=3',
    'TimeoutStopSec=10s',
    'TimeoutStartSec=60s',
    'KillMode=mixed',
    'WorkingDirectory=/srv/app/builds/current',
  ];
  for (const line of expected) assert.ok(text.split('\n').includes(line), line);
  // With a "-" the application would run in / when its build is gone.
  assert.not.match(text, /^WorkingDirectory=-/m);
  assert.match(text, /^Type=(exec|notify)$/m);
});
