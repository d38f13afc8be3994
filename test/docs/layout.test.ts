// needs: sandbox
// deadline: 10min
import { execFileSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { files } from '../../lib/cli/manual/places.ts';
import { makeDatabaseSite } from '../deploy/database-site.ts';
import { startDeploy, untilBegun } from '../deploy/running.ts';
import { buildId } from '../deploy/site.ts';
import { suite } from '../suite.ts';
import { textsLike } from './texts.ts';

const test = suite('docs/layout');

interface Named {
  /** as the document draws it, the folders before it included */
  path: string;
  /** whether it is there only at some time, or not everywhere */
  isSometimes: boolean;
}

const [document] = textsLike(/^builds-layout\.md$/);
const named = (document?.text.match(/^```\n\/(?:srv|var)\/.*?^```$/gms) ?? []).flatMap((block) => pathsIn(block));

/** The paths that a drawn tree names: a line without branches begins another tree. */
function pathsIn(block: string): Named[] {
  const folders: { depth: number; name: string }[] = [];
  return block.split('\n').flatMap((line): Named[] => {
    const [, branches = '', name = '', does = ''] =
      /^((?:[│ ] {3})*(?:[├└]── )?)(\S+)(?: -> \S+)?(?: +(.*))?$/.exec(line) ?? [];
    if (name === '' || name === '```') return [];
    const depth = branches.length / 4;
    while ((folders.at(-1)?.depth ?? -1) >= depth) folders.pop();
    const path = [...folders.map((folder) => folder.name), name].join('');
    if (name.endsWith('/')) folders.push({ depth, name });
    return [{ path, isSometimes: /\b(while|where|for a moment)\b/.test(does) }];
  });
}

const roots: [drawn: RegExp, name: string][] = [
  [/^\/srv\/app\/builds/, 'BUILDS'],
  [/^\/var\/lib\/cutover\/app\/production/, 'STATE'],
  [/^\/var\/log\/cutover/, 'LOGS'],
  [/^\/var\/backups\/cutover/, 'BACKUPS'],
];

/** Which paths of a site a drawn one stands for; the names of apps and units are those of the site. */
function patternOf(path: string, { app, unit }: { app: string; unit: string }): RegExp {
  const below = roots.reduce((rest, [drawn, name]) => rest.replace(drawn, name), path.replace(/\/$/, ''));
  const text = below.replaceAll(/\d{8}-\d{6}(-4f2a)?|-2(?=\.log$)|3f9a01bc|…|app\.service|app(?=@)|\./g, (mark) => {
    if (mark === '…') return '.*';
    if (mark === '-2') return String.raw`-\d+`;
    if (mark === '3f9a01bc') return '[0-9a-f]+';
    if (mark === 'app') return app;
    if (mark === '.') return String.raw`\.`;
    if (mark === 'app.service') return unit.replaceAll('.', String.raw`\.`);
    return String.raw`\d{8}-\d{6}` + (mark.endsWith('-4f2a') ? '-[0-9a-f]{4}' : '');
  });
  return new RegExp(`^${text}$`);
}

test('the files that the manual names are drawn in the document', () => {
  const drawn = named.map(({ path }) => path);
  const places: [mark: string, place: string][] = [
    ['BUILDS/', '/srv/app/builds/'],
    ['STATE/APP/TARGET/', '/var/lib/cutover/app/production/'],
    ['LOGS/', '/var/log/cutover/'],
  ];
  for (const [path] of files.filter(([one]) => /^[A-Z]+\//.test(one))) {
    const [mark = '', place = ''] = places.find(([start]) => path.startsWith(start)) ?? [];
    const text = `${place}${path.slice(mark.length)}`.replace('RUN', 'R').replace('UNIT', 'app.service');
    const pattern = text.replaceAll(/YYYYMMDD-HHMMSS|R(?=\.jsonl|\/)|\./g, (one) =>
      one === '.' ? String.raw`\.` : String.raw`[\d-]+(?:-4f2a)?`,
    );
    assert.ok(
      drawn.some((one) => new RegExp(`^${pattern}$`).test(one)),
      `${path} as ${pattern} in ${drawn.join('\n')}`,
    );
  }
});

test('S6: the document draws trees, with everything that it names in the text', () => {
  const paths = named.map(({ path }) => path);
  for (const path of [
    '/srv/app/builds/current',
    '/srv/app/builds/dist.20260203-151116/.cutover.json',
    '/var/lib/cutover/app/production/evidence/20260203-151120-4f2a/unit.json',
    '/var/log/cutover/deployment-app.service-20260203-151120.log',
  ])
    assert.ok(paths.includes(path), `${path} in ${paths.join('\n')}`);
  assert.match(
    'STATE/runs/20261121-111111-0a1b.jsonl',
    patternOf('/var/lib/cutover/app/production/runs/20260203-151120-4f2a.jsonl', { app: 'a', unit: 'a.service' }),
  );
  assert.not.match(
    'STATE/runs/x.jsonl',
    patternOf('/var/lib/cutover/app/production/runs/20260203-151120-4f2a.jsonl', { app: 'a', unit: 'a.service' }),
  );
  assert.match(
    'LOGS/deployment-a.service-20261121-111111-13.log',
    patternOf('/var/log/cutover/deployment-app.service-20260203-151120-2.log', { app: 'a', unit: 'a.service' }),
  );
});

test('S6, S10: what deploys, a failure, a backup, an archive and a pass of the monitor leave is what the document names', async (t) => {
  const site = await makeDatabaseSite(t, {
    builds: [{}, { mode: 'held' }],
    tables: { start: ['timeout = "60s"'] },
    keys: ['monitor = { every = "5min" }'],
  });
  const { sandbox, builds, state, logs, backups, app, unit } = site;
  const roots = { BUILDS: builds, STATE: state, LOGS: logs, BACKUPS: backups };
  const list = async (): Promise<string[]> => {
    const lists = await Promise.all(
      Object.entries(roots).map(async ([name, root]) => {
        const entries = await listTree(sandbox.hostPath(root));
        return entries.map((path) => `${name}/${path}`);
      }),
    );
    // What is in a build is the application's.
    return lists.flat().filter((path) => !/^BUILDS\/dist\.[^/]+\/(?!\.cutover)/.test(path));
  };
  const run = await startDeploy(site, buildId(2));
  await untilBegun(site, 'start');
  const seen = new Set(await list());
  assert.ok(seen.has('STATE/in-flight'), [...seen].join('\n'));
  assert.is((await run.end()).code, 0);
  const packed = sandbox.hostPath('/srv/packed.tar');
  execFileSync('tar', ['--create', '--file', packed, '--directory', sandbox.hostPath(`${builds}/${buildId(1)}`), '.']);
  assert.is((await site.call('add', ['/srv/packed.tar', '--revision', '4f2a9c1'])).code, 0);
  const crash = await site.add({ mode: 'crash' });
  assert.is((await site.call('deploy', [crash])).code, 4);
  assert.is((await site.call('backup')).code, 0);
  assert.is((await site.call('monitor')).code, 0);
  assert.is((await site.call('prune')).code, 0);
  for (const path of await list()) seen.add(path);
  const all = named.map((one) => ({ ...one, pattern: patternOf(one.path, { app, unit }) }));
  const unnamed = [...seen].filter((path) => !all.some(({ pattern }) => pattern.test(path)));
  assert.equal(unnamed, [], 'paths that the document does not name');
  const ours = all.filter(({ isSometimes, pattern }) => !isSometimes && /^\^[A-Z]+\//.test(pattern.source));
  const absent = ours.filter(({ pattern }) => ![...seen].some((path) => pattern.test(path)));
  assert.equal(
    absent.map(({ path }) => path),
    [],
    'paths that the document names and that are not there',
  );
});

/** Every path below a folder, folders included. */
async function listTree(root: string, below = ''): Promise<string[]> {
  const entries = await readdir(join(root, below), { withFileTypes: true }).catch(() => []);
  const lists = await Promise.all(
    entries.map(async (entry) => {
      const path = join(below, entry.name);
      return [path, ...(entry.isDirectory() ? await listTree(root, path) : [])];
    }),
  );
  return lists.flat();
}
