import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { makeDirectory } from '../builds/directory.ts';
import { repository } from '../sandboxed.ts';
import { suite } from '../suite.ts';

const test = suite('package/licenses');
const path = join(repository, 'bin/licenses.mjs');
const { licensesOf } = (await import(path)) as { licensesOf: (metafile: { inputs: object }) => string };

/**
 * The folders of packages that the program was built from, as its source maps have them: the maps are esbuild's, and not ours. They
 * name also what a package holds that comes as a bundle, by where that lay when it was made.
 */
async function packagesInside(): Promise<string[]> {
  const maps = (await readdir(join(repository, 'dist'))).filter((name) => name.endsWith('.map'));
  const texts = await Promise.all(maps.map((name) => readFile(join(repository, 'dist', name), 'utf8')));
  const sources = texts.flatMap((text) => (JSON.parse(text) as { sources: string[] }).sources);
  const folders = sources.flatMap((path) => {
    const [folder, name] = /^.*\bnode_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? [];
    if (folder === undefined || name === undefined) return [];
    return [folder, `../node_modules/${name}`].map((one) => join(repository, 'dist', one)).find(existsSync) ?? folder;
  });
  return [...new Set(folders)];
}

/** Other letters than those of ASCII stand in the program's file as escapes. */
function withoutEscapes(text: string): string {
  return text.replace(/\\u([0-9a-f]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

test('every package inside is named with its version and its licence, in the package and in the file alone', async () => {
  const shipped = await readFile(join(repository, 'dist/THIRD-PARTY-LICENSES'), 'utf8');
  const [head = ''] = (await readFile(join(repository, 'dist/cutover.cjs'), 'utf8')).split('\n//:\n');
  const inFile = withoutEscapes(`${head}\n`.replace(/^\/\//gm, ''));
  const folders = await packagesInside();
  for (const name of ['dbus-next', 'tar', 'minipass', '@isaacs/fs-minipass'])
    assert.ok(
      folders.some((folder) => folder.endsWith(`/node_modules/${name}`)),
      `${name} of ${folders.join(' ')}`,
    );
  for (const folder of folders) {
    const manifest = await readFile(join(folder, 'package.json'), 'utf8');
    const { name, version } = JSON.parse(manifest) as { name: string; version: string };
    const [license = ''] = (await readdir(folder)).filter((file) => /^licen[cs]e/i.test(file));
    const text = (await readFile(join(folder, license), 'utf8')).trim().replaceAll('\r', '');
    for (const all of [shipped, inFile])
      assert.ok(all.includes(`\n${name} ${version}\n\n${text}\n`), `${name} ${version}`);
  }
});

test('our own licence is in the file that may be handed on alone', async () => {
  const text = await readFile(join(repository, 'dist/cutover.cjs'), 'utf8');
  const own = await readFile(join(repository, 'LICENSE'), 'utf8');
  assert.ok(text.includes(own.trim().replace(/^/gm, '//')));
});

test('a package without a licence does not get in', async (t) => {
  const folder = join(await makeDirectory(t), 'node_modules/bare');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{"name":"bare","version":"1.0.0"}');
  const metafile = { inputs: { [`${folder}/index.js`]: {} } };
  assert.throws(() => licensesOf(metafile), /bare has no licence that could be handed on/);
  await writeFile(join(folder, 'LICENSE'), 'Free for all.\n');
  assert.match(licensesOf(metafile), 'bare 1.0.0\n\nFree for all.\n');
});
