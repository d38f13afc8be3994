// V8 looks through all of a script before it runs any of it, and keeps something of each function that it saw. So the program is
// several scripts, its layers, each of which is looked at when one of its modules is asked for. A module of another layer is asked
// for as `1:lib/cli/status.ts`, of whoever runs the layers (bin/load.js), and its exports are imported by their names: its default
// export is not, since esbuild takes what is not in the bundle for CommonJS.
import { relative } from 'node:path';
import { build } from 'esbuild';

/**
 * @param {import('esbuild').BuildOptions} options as for one bundle of all
 * @param {string[][]} entries by which modules the first layers are entered: each is these and all that they cannot be loaded
 * without, as far as it is in none before. Two more follow: what is left of packages, and the rest
 * @returns {Promise<{layers: {text: string, map: string}[], metafile: import('esbuild').Metafile}>} what exports, under the name of
 * each module that other layers ask for, what loads it; written nowhere; and of what it was made
 */
export async function bundleInLayers(options, entries) {
  const { metafile } = await build({ ...options, sourcemap: false, metafile: true, write: false });
  const layers = divide(metafile.inputs, entries);
  const places = new Map(layers.flatMap((paths, number) => paths.map((path) => [path, number])));
  const doors = [...options.entryPoints, ...askedFromOutside(metafile.inputs, places)];
  const bundles = layers.map((paths, number) => {
    const own = new Set(doors.filter((path) => places.get(path) === number));
    return bundleLayer(options, { number, doors: [...own], places });
  });
  return { layers: await Promise.all(bundles), metafile };
}

/** @returns {string[][]} the modules of each layer, by their paths from the current directory */
function divide(inputs, entries) {
  const files = Object.keys(inputs).filter((path) => !path.startsWith('<'));
  const unknown = entries.flat().find((path) => !files.includes(path));
  if (unknown !== undefined) throw new Error(`${unknown} is no module of the program`);
  const packages = files.filter((path) => /\bnode_modules\//.test(path));
  const taken = new Set();
  return [...entries, packages, files].map((modules) => {
    const own = reach(inputs, modules).filter((path) => !taken.has(path));
    for (const path of own) taken.add(path);
    return own;
  });
}

/** The modules themselves, and what they cannot be loaded without. */
function reach(inputs, modules) {
  const found = new Set(modules);
  for (const path of found) {
    const needed = inputs[path].imports.filter(({ kind, external }) => !external && kind !== 'dynamic-import');
    for (const { path: next } of needed) if (next in inputs && !next.startsWith('<')) found.add(next);
  }
  return [...found];
}

/** The modules that those of another layer ask for. */
function askedFromOutside(inputs, places) {
  return [...places].flatMap(([asker, place]) =>
    inputs[asker].imports.map(({ path }) => path).filter((path) => places.has(path) && places.get(path) !== place),
  );
}

async function bundleLayer(options, { number, doors, places }) {
  const loaders = doors.map((path) => `${JSON.stringify(nameOf(path))}: () => require(${JSON.stringify(`./${path}`)})`);
  const { outputFiles } = await build({
    ...options,
    entryPoints: undefined,
    stdin: { contents: `module.exports = {${loaders.join()}};`, resolveDir: '.' },
    outfile: options.outfile.replace(/(?=\.\w+$)/, `.${number}`),
    write: false,
    plugins: [keepTo(number, places)],
  });
  const [map, text] = ['.map', ''].map((end) => outputFiles.find(({ path }) => path.endsWith(`.cjs${end}`)).text);
  return { text, map };
}

/** The same wherever the packages lie, for it becomes a part of the program. */
function nameOf(path) {
  return path.replace(/^.*?\bnode_modules\//, '');
}

const isResolved = Symbol('resolved');

/** An esbuild plugin that takes in the modules of one layer, and leaves those of others to be asked for. */
function keepTo(number, places) {
  return {
    name: 'one layer',
    setup(bundle) {
      bundle.onResolve({ filter: /^[^:]+$/ }, async ({ path, importer, kind, resolveDir, pluginData }) => {
        if (pluginData === isResolved) return undefined;
        const found = await bundle.resolve(path, { importer, kind, resolveDir, pluginData: isResolved });
        const module = relative('.', found.path);
        const place = places.get(module);
        if (place === undefined || place === number) return found;
        return { path: `${place}:${nameOf(module)}`, external: true };
      });
    },
  };
}
