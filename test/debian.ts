import { existsSync } from 'node:fs';

/** A test names the packages that it needs, each with a file of its own, and fails without them. */
export function requireDebian(packages: Record<string, string>): void {
  const missing = Object.entries(packages).filter(([, proof]) => !existsSync(proof));
  const names = missing.map(([name]) => name).join(' ');
  if (names !== '') throw new Error(`missing: ${names}; run: apt-get install --no-install-recommends ${names}`);
}
