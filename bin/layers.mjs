// Bundlers put the functions of all modules side by side, and V8 then keeps something of each of them for whatever a command
// runs. So the program is bundled in layers, each a function inside of the one around it: what every command begins with, then
// what people wait for, and innermost the rest, which costs nothing until it is asked for. From another layer a module's exports are
// imported by their names: its default export is not, since esbuild takes what lies there for CommonJS.
import { relative, resolve } from 'node:path';
import { build } from 'esbuild';

/** @typedef {{own: Set<string>, around: Set<string>, doors: Set<string>}} Layer its modules, those of the layers around it, and
 * those of its own that somebody there asks for; each by its path from the current directory */

/**
 * @param {import('esbuild').BuildOptions} options as for one bundle of all
 * @param {string[][]} entries by which modules each layer is entered, from the outermost to the last but one: it is these and all
 * that they cannot be loaded without. What is in none of them is the innermost layer
 * @returns {Promise<{outputFiles: import('esbuild').OutputFile[], metafile: import('esbuild').Metafile}>} the bundle, written
 * nowhere, and of what it was made
 */
export async function bundleInLayers(options, entries) {
  const { metafile } = await build({ ...options, sourcemap: false, metafile: true, write: false });
  const [outermost, ...others] = divide(metafile.inputs, entries);
  let inner = '';
  for (const layer of others.toReversed()) inner = await bundleInner(options, layer, inner);
  const { outputFiles } = await build({ ...options, write: false, plugins: [keepTo(outermost), ask(inner)] });
  return { outputFiles, metafile };
}

/** @returns {Layer[]} from the outermost to the innermost @throws where a module of one could not be had from another */
function divide(inputs, entries) {
  const files = Object.keys(inputs).filter((path) => !path.startsWith('<'));
  const unknown = entries.flat().find((path) => !files.includes(path));
  if (unknown !== undefined) throw new Error(`${unknown} is no module of the program`);
  const taken = new Set();
  const layers = [...entries.map((modules) => reach(inputs, modules)), files].map((paths) => {
    const around = new Set(taken);
    const own = new Set(paths.filter((path) => !around.has(path)));
    for (const path of own) taken.add(path);
    return { own, around };
  });
  return layers.map(({ own, around }, depth) => {
    const asked = [...around].flatMap((asker) => inputs[asker].imports.map(({ path }) => ({ asker, path })));
    const within = asked.filter(({ path }) => own.has(path));
    const tooFar = within.find(({ asker }) => !layers[depth - 1].own.has(asker));
    if (tooFar) throw new Error(`${tooFar.asker} asks for ${tooFar.path}, which is more than one layer further in`);
    return { own, around, doors: new Set(within.map(({ path }) => path)) };
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

/** @returns {Promise<string>} a module that gives whichever of the layer's modules it is asked for */
async function bundleInner(options, layer, inner) {
  const doors = [...layer.doors].map((path) => `${nameOf(path)}: () => require(${JSON.stringify(`./${path}`)})`);
  const contents = `const doors = {${doors.join()}};\nmodule.exports = (name) => doors[name]();`;
  const { outputFiles } = await build({
    ...options,
    entryPoints: undefined,
    banner: undefined,
    footer: undefined,
    stdin: { contents, resolveDir: '.' },
    sourcemap: 'inline',
    write: false,
    plugins: [keepTo(layer), ask(inner)],
  });
  return outputFiles[0].text;
}

/** As a string; the same wherever the packages lie, for it becomes a part of the program. */
function nameOf(path) {
  return JSON.stringify(path.replace(/^.*?\bnode_modules\//, ''));
}

/** How a module is named that an inner layer wants, and a namespace each for it and for what is wanted of the inner layer. */
const outward = 'outward:';
const inward = 'inward:';
const isResolved = Symbol('resolved');

/** An esbuild plugin that takes in the modules of a layer, and of no other. */
function keepTo({ own, around }) {
  const place = (path, whereOwn) => {
    if (around.has(path)) return { path: `${outward}${path}`, external: true };
    return own.has(path) ? whereOwn : { path, namespace: inward };
  };
  return {
    name: 'one layer',
    setup(bundle) {
      bundle.onResolve({ filter: /^outward:/ }, ({ path: wanted }) => {
        const path = wanted.slice(outward.length);
        return place(path, { path, namespace: outward });
      });
      bundle.onResolve({ filter: /^[^:]+$/ }, async ({ path, importer, kind, resolveDir, pluginData }) => {
        if (pluginData === isResolved || kind === 'entry-point') return undefined;
        const found = await bundle.resolve(path, { importer, kind, resolveDir, pluginData: isResolved });
        return found.external || found.errors.length > 0 ? found : place(relative('.', found.path), found);
      });
    },
  };
}

/** An esbuild plugin that has the modules which are not in a layer: from its own, for the inner one, and from the inner one. */
function ask(inner) {
  return {
    name: 'other layers',
    setup(bundle) {
      bundle.onResolve({ filter: /^inward:$/ }, ({ path }) => ({ path, namespace: 'text' }));
      bundle.onLoad({ filter: /.*/, namespace: 'text' }, () => given(inner));
      bundle.onLoad({ filter: /.*/, namespace: inward }, ({ path }) =>
        given(`module.exports = require('${inward}')(${nameOf(path)})`),
      );
      // A module of its own, since esbuild would make an object of what is exported anew for everybody who asks.
      bundle.onLoad({ filter: /.*/, namespace: outward }, ({ path }) =>
        given(`module.exports = require(${JSON.stringify(`./${path}`)})`),
      );
    },
  };
}

function given(contents) {
  return { contents, resolveDir: resolve('.') };
}
