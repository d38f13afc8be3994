// Everything in one file that needs nothing but Node: modules inside are run when they are first asked for.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

// What lib/base/own-files.ts gives: by its path from here.
const embedded = readdirSync('units').flatMap((name) => (name.startsWith('cutover') ? [`units/${name}`] : []));
const embeddedFiles = Object.fromEntries(embedded.map((path) => [path, readFileSync(path, 'utf8')]));

const { outputFiles } = await build({
  entryPoints: ['lib/cli.ts'],
  outfile: 'dist/cutover.cjs',
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20.19',
  // dbus-next wants it for an authentication that no manager asks for; everybody would wait for its loading.
  alias: { crypto: './lib/systemd/crypto/crypto.cjs' },
  // import() inside one file would be a file of its own.
  supported: { 'dynamic-import': false },
  define: { embeddedFiles: JSON.stringify(embeddedFiles), 'import.meta.filename': '__filename' },
  // dbus-next asks for both inside a try; neither is used.
  external: ['x11', 'usocket'],
  minify: true,
  sourcemap: 'linked',
  write: false,
  logLevel: 'warning',
});

mkdirSync('dist', { recursive: true });
for (const { path, text } of outputFiles) {
  const [strange] = path.endsWith('.cjs') ? (/.{0,40}[^\0-\x7f]/.exec(text) ?? []) : [];
  if (strange !== undefined) throw new Error(`a character that is not ASCII, to be written as \\u…: ${strange}`);
  // The loader tells by the last line whether compiled code that was kept belongs to this text.
  const tail = path.endsWith('.cjs') ? `// ${createHash('sha256').update(text).digest('hex')}\n` : '';
  // A command that starts meanwhile finds the old file or the new one.
  writeFileSync(`${path}.new`, text + tail);
  renameSync(`${path}.new`, path);
}
for (const name of readdirSync('dist'))
  if (!name.startsWith('cutover.cjs') && name !== 'man') rmSync(`dist/${name}`, { recursive: true });
await import('./manual.mjs');
