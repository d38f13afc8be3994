import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { repository } from '../sandboxed.ts';
import { suite } from '../suite.ts';

const test = suite('units of the strategies');
const sets = [
  'units/socket',
  'units/overlap',
  'examples/node-socket',
  'examples/node-overlap',
  'examples/python-gunicorn',
  'examples/ten-checks',
  'examples/nginx-static',
  'examples/behind-a-proxy',
];

for (const set of sets) {
  test(`S5: ${set}: nothing that a bad build does closes the socket`, async () => {
    const { socket, service, standIn } = await readSet(set);
    assert.ok(socket.includes('Backlog=4096'));
    assert.ok(socket.includes('TriggerLimitIntervalSec=0'));
    for (const lines of [service, ...(standIn ? [standIn] : [])]) {
      assert.ok(lines.includes('NonBlocking=yes'), 'a process that loses the race for a connection would block');
      assert.ok(lines.includes('StartLimitIntervalSec=0'), 'a start limit that is hit closes the socket');
      assert.not.ok(
        lines.some((line) => line.startsWith('Conflicts=')),
        'a unit that conflicts stops the other one',
      );
    }
    assert.is(standIn !== null, set.includes('overlap'), 'there is a stand-in where there should be one');
  });

  test(`S5: ${set}: the service starts with its socket, and always from current`, async () => {
    const { name, service } = await readSet(set);
    assert.ok(valueOf(service, 'Requires').split(' ').includes(`${name}.socket`));
    assert.match(valueOf(service, 'After'), `${name}.socket`);
    assert.ok(service.includes('Restart=always'));
    assert.match(valueOf(service, 'WorkingDirectory'), /^\/.*\/current$/);
  });
}

for (const set of sets.filter((path) => path.includes('overlap'))) {
  test(`S5: ${set}: the stand-in runs the candidate by its name, once, on the service's socket`, async () => {
    const { name, service, standIn } = await readSet(set);
    const lines = standIn ?? [];
    assert.ok(lines.includes(`Sockets=${name}.socket`));
    assert.is(valueOf(lines, 'WorkingDirectory'), valueOf(service, 'WorkingDirectory').replace(/current$/, '%i'));
    assert.ok(lines.includes('Restart=no'));
    assert.not.ok(lines.includes('[Install]'), 'nobody can enable it');
  });

  test(`S5: ${set}: in everything else the stand-in is the service, so that what it proves holds there`, async () => {
    const { service, standIn } = await readSet(set);
    const own = /^(Sockets|WorkingDirectory|Restart|RestartSec)=/;
    const section = (lines: readonly string[]): string[] =>
      lines.slice(lines.indexOf('[Service]')).filter((line) => !own.test(line));
    const installAt = section(service).indexOf('[Install]');
    assert.equal(section(standIn ?? []), section(service).slice(0, installAt));
  });
}

/** The units of a folder, as lines without comments. */
async function readSet(
  set: string,
): Promise<{ name: string; socket: string[]; service: string[]; standIn: string[] | null }> {
  const folder = join(repository, set);
  const files = await readdir(folder);
  const name = (files.find((file) => file.endsWith('.socket')) ?? '').replace(/\.socket$/, '');
  const lines = async (file: string): Promise<string[]> =>
    (await readFile(join(folder, file), 'utf8')).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return {
    name,
    socket: await lines(`${name}.socket`),
    service: await lines(`${name}.service`),
    standIn: files.includes(`${name}-next@.service`) ? await lines(`${name}-next@.service`) : null,
  };
}

function valueOf(lines: readonly string[], key: string): string {
  return lines.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1) ?? '';
}
