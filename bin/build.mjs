// Everything in one file that needs nothing but Node: modules inside are run when they are first asked for.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleInLayers } from './layers.mjs';
import { licensesOf } from './licenses.mjs';
import { waitedFor } from './load.js';

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const output = 'dist/cutover.cjs';

// What lib/base/own-files.ts gives: by its path from here.
const embeddedFiles = { ...filesIn('units', 'cutover'), ...filesIn('lib/triggers/page/site') };

// What every command begins with; then what those need that people wait for, and the executables with names of their own, with what
// they ask for on the way; and what a configuration may add to that, with what ends a run whose deployer was killed.
const commands = [...[...waitedFor].filter((word) => /^\w+$/.test(word)), 'direct'];
const beforeAny = ['lib/cli/parse.ts', 'lib/cli/as-typed.ts', 'lib/cli/told-error.ts', 'lib/report/colour.ts'];
const packages = ['dbus-next', 'smol-toml'].map((name) => relative('.', fileURLToPath(import.meta.resolve(name))));
const waited = [...beforeAny, ...commands.map((name) => `lib/cli/${name}.ts`), ...packages];
const added = [
  'lib/cli/settle.ts',
  'lib/checks/kinds.ts',
  'lib/database/backup.ts',
  'lib/deployer/after-hooks.ts',
  'lib/deployer/metrics-file.ts',
  'lib/deployer/prune.ts',
  'lib/report/notify/notice.ts',
  'lib/report/notify/notify.ts',
];
const layers = [['lib/cli.ts'], waited, added];

const options = {
  entryPoints: ['lib/cli.ts'],
  outfile: output,
  bundle: true,
  // Strict, as modules are: esbuild's own word for it would stand behind a statement here, and mean nothing.
  // A function from the beginning: to put one around it later would be one more copy of it all, each time.
  banner: { js: '(function(exports,require,module,__filename,__dirname){"use strict";var loaded=module.loaded;' },
  footer: { js: '})' },
  format: 'cjs',
  platform: 'node',
  target: 'node20.19',
  // dbus-next needs little or nothing of these, and everybody would wait for their loading: each file says what it needs.
  alias: Object.fromEntries(
    ['assert', 'crypto', 'jsbi', 'long'].map((name) => [name, `./lib/systemd/${name}/${name}.cjs`]),
  ),
  // import() inside one file would be a file of its own.
  supported: { 'dynamic-import': false },
  // A text in a text has no lines of its own, which each start would have to put together (bin/load.js).
  define: { embeddedFiles: JSON.stringify(JSON.stringify(embeddedFiles)), 'import.meta.dirname': '__dirname' },
  // dbus-next asks for both inside a try; neither is used.
  external: ['x11', 'usocket'],
  minify: true,
  sourcemap: 'linked',
  // They stand in dist/THIRD-PARTY-LICENSES, and at the head of the program.
  legalComments: 'none',
  logLevel: 'warning',
};
const program = await bundleInLayers(options, layers);
// A Node that is too old has to understand it to say so.
const head = await build({
  entryPoints: ['bin/alone.js'],
  bundle: true,
  format: 'iife',
  platform: 'node',
  target: 'es2018',
  minify: true,
  write: false,
  logLevel: 'warning',
});

const licenses = licensesOf(program.metafile);

mkdirSync('dist', { recursive: true });
for (const [number, { map }] of program.layers.entries()) write(`dist/cutover.${number}.cjs.map`, map);
write('dist/THIRD-PARTY-LICENSES', licenses);
write(output, executable(), 0o755);
const made = /^(cutover\.cjs|cutover\.\d\.cjs\.map|THIRD-PARTY-LICENSES|man|.*\.\d+)$/;
for (const name of readdirSync('dist').filter((name) => !made.test(name)))
  rmSync(`dist/${name}`, { recursive: true, force: true });
await import('./manual.mjs');

function filesIn(folder, beginning = '') {
  const names = readdirSync(folder).filter((name) => name.startsWith(beginning));
  return Object.fromEntries(names.map((name) => [`${folder}/${name}`, readFileSync(join(folder, name), 'utf8')]));
}

/** The layers of the program as comments below what runs them (bin/load.js), which so need not be read twice. */
function executable() {
  const texts = program.layers.map(({ text }) => text);
  const [strange] = /.{0,40}[^\0-\x7f]/.exec(texts.join('')) ?? [];
  if (strange !== undefined) throw new Error(`a character that is not ASCII, to be written as \\u…: ${strange}`);
  const notices = `${readFileSync('LICENSE', 'utf8')}\n${licenses}`.replace(/[^\0-\x7f]/g, escaped);
  const about = `cutover ${version}: the licences, then the program; both are comments for what stands here`;
  const begin = `#!/usr/bin/env node\n// ${about}.\n${head.outputFiles[0].text}`;
  const whole = [`${begin}${commented(notices)}`, ...texts.map(commented)].join('//:\n');
  // The loader tells by the last line that nothing is missing, and whether compiled code that was kept belongs to this text.
  return `${whole}// ${createHash('sha256').update(whole).digest('hex')}\n`;
}

function commented(lines) {
  return lines.replace(/\n$/, '').replace(/^/gm, '//').concat('\n');
}

function escaped(character) {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** A command that starts meanwhile finds the old file or the new one; two builds at once each leave a whole one. */
function write(path, content, mode = 0o644) {
  writeFileSync(`${path}.${process.pid}`, content, { mode });
  renameSync(`${path}.${process.pid}`, path);
}
