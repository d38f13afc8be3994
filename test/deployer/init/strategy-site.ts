import { readFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { StrategyReport } from '../../../lib/deployer/init/strategy.ts';
import type { CheckReport } from '../../../lib/deployer/check.ts';
import { type Called, calledFrom, type Refusal, type Site } from '../../deploy/site.ts';

/** Runs `cutover init UNIT --strategy …` on a site's configuration. */
export async function change<Document = StrategyReport>(
  { sandbox, unit, config }: Site,
  strategy: string,
  ...words: string[]
): Promise<Called<Document>> {
  const named = ['init', unit, '--strategy', strategy, '--config', config, ...words, '--json'];
  return calledFrom<Document>(await sandbox.cutover(named));
}

/** The same for what is not done: the exit code, the error's code and text, and what to type. */
export async function refusedChange(
  site: Site,
  strategy: string,
  ...words: string[]
): Promise<{ code: number | null; kind: string; message: string; mend: string }> {
  const { code, document } = await change<Refusal>(site, strategy, ...words);
  if (!document.error) throw new Error(`not refused: ${JSON.stringify(document)}`);
  return { code, kind: document.error.code, message: document.error.message, mend: document.error.mend };
}

/** Everything that a change of strategy may touch, file by file with its text, and what systemd has enabled. */
export async function everything({ sandbox, unitFile, config, unit }: Site): Promise<string> {
  const folder = unitFile.slice(0, unitFile.lastIndexOf('/'));
  const look = 'cd "$1"; find . -printf "%p %y %l\\n" | sort; find . -name "$3*" -type f -exec cat {} +; cat "$2"';
  return sandbox.run('sh', '-c', look, 'sh', folder, config, unit.replace(/\.service$/, ''));
}

/** What the unit doctor says to the files as they are; nothing: []. */
export async function badFindings(site: Site): Promise<string[]> {
  const { document, stderr } = await site.call<CheckReport>('check');
  const found = document.checks.find(({ name }) => name === 'unit_file')?.findings;
  assert.ok(found && found.length > 5, stderr);
  return found.filter(({ status }) => status !== 'pass').map(({ rule, observed }) => `${rule}: ${observed}`);
}

/** Who has the port open, as ss(8) tells it: "node", "systemd". */
export async function holdersOf({ sandbox, port }: Site): Promise<string[]> {
  const line = await sandbox.run('ss', '-Hltnp', `sport = :${port}`);
  return [...new Set([...line.matchAll(/\("([^"]+)"/g)].map(([, name = '']) => name))].toSorted();
}

export async function stateOf({ sandbox }: Site, unit: string): Promise<string> {
  return (await sandbox.exec(['systemctl', 'is-active', unit])).stdout;
}

export function configOf({ sandbox, config }: Site): Promise<string> {
  return readFile(sandbox.hostPath(config), 'utf8');
}
