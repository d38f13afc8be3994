// Writes the pages of the manual to dist/man, as the program that was just built prints them.
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';

mkdirSync('dist/man', { recursive: true });
for (const [name, section] of [
  ['cutover.1', '1'],
  ['cutover.toml.5', '5'],
]) {
  const page = execFileSync(process.execPath, ['bin/cutover.js', 'manual', section]);
  const path = `dist/man/${name}`;
  // Two builds at once each leave a whole page.
  writeFileSync(`${path}.${process.pid}`, page);
  renameSync(`${path}.${process.pid}`, path);
}
