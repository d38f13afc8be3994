// One entry per way in; `splitting` keeps what a command does not need off its start-up path.
import { rmSync } from 'node:fs';
import { build } from 'esbuild';

rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: ['lib/cli.ts'],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // dbus-next asks for both inside a try; neither is used.
  external: ['x11', 'usocket'],
  // CommonJS packages inside an ES module still call require().
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  minify: true,
  keepNames: true,
  sourcemap: 'linked',
  logLevel: 'warning',
});
