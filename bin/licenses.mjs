// The licences of what others wrote and the build takes in: they ask to be handed on with every copy.
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * @param {import('esbuild').Metafile} metafile what the build took in
 * @returns {string} one text for all packages
 * @throws where a package has no licence that could be handed on
 */
export function licensesOf(metafile) {
  const folders = Object.keys(metafile.inputs).flatMap((path) => folderOf(path) ?? []);
  const packages = [...withTheirs(new Set(folders))].map(readPackage);
  const sorted = packages.toSorted((one, other) => (one.title < other.title ? -1 : 1));
  const head = 'cutover contains, whole or in parts, these packages. Each is under the licence below its name.\n';
  const texts = sorted.map(({ title, text }) => `${'-'.repeat(72)}\n${title}\n\n${text.trim().replaceAll('\r', '')}\n`);
  return [head, ...texts].join('\n');
}

/** The folder of the package that a file belongs to, or null for one of ours. */
function folderOf(path) {
  const [, folder] = /^(.*\bnode_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path) ?? [];
  return folder ?? null;
}

/** A package may itself come as a bundle of what it depends on. */
function withTheirs(folders) {
  for (const folder of folders) {
    const { dependencies = {} } = manifestOf(folder);
    for (const name of Object.keys(dependencies)) {
      const found = findFrom(folder, name);
      if (found !== null) folders.add(found);
    }
  }
  return folders;
}

/** As Node looks: in the package's own folder, then in those around it. Null for a stand-in of ours, which is a link. */
function findFrom(folder, name) {
  const path = join(folder, 'node_modules', name);
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found) return found.isSymbolicLink() ? null : path;
  if (folder === dirname(folder)) throw new Error(`${name} is not installed`);
  return findFrom(dirname(folder), name);
}

function readPackage(folder) {
  const { name, version } = manifestOf(folder);
  const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
  if (file === undefined) throw new Error(`${folder} has no licence that could be handed on`);
  return { title: `${name} ${version}`, text: readFileSync(join(folder, file), 'utf8') };
}

function manifestOf(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}
