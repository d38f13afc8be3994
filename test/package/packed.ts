import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { type Command, exec, type ExecResult } from '../../lib/base/exec.ts';
import { repository } from '../sandboxed.ts';
import { atEnd } from '../suite.ts';

/** What `npm pack` made. */
export interface Packed {
  tarball: string;
  files: { path: string; size: number; mode: number }[];
  unpackedBytes: number;
}

/** What a copy of the repository is better without: what the build makes is to be made anew. */
const left = new Set(['node_modules', '.git', 'dist', 'coverage']);

let shared: Promise<Packed> | undefined;

/** The package of this repository, packed once for a test file, from a copy that was never built. */
export function packed(): Promise<Packed> {
  shared ??= pack();
  return shared;
}

async function pack(): Promise<Packed> {
  const folder = await mkdtemp(join(tmpdir(), 'cutover-package-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  const source = join(folder, 'source');
  await cp(repository, source, { recursive: true, filter: (path) => !left.has(relative(repository, path)) });
  await symlink(join(repository, 'node_modules'), join(source, 'node_modules'));
  const { stdout } = await npm(['pack', '--json', '--pack-destination', folder], source);
  const [made] = JSON.parse(stdout) as [{ filename: string; files: Packed['files']; unpackedSize: number }];
  return { tarball: join(folder, made.filename), files: made.files, unpackedBytes: made.unpackedSize };
}

/** Installs the package for everybody, as a server without a network would: from the tarball, into a folder of its own. */
export async function installInto(prefix: string): Promise<void> {
  const { tarball } = await packed();
  await mkdir(prefix, { recursive: true });
  await npm(['install', '--global', '--offline', '--prefix', prefix, tarball], prefix);
}

/** Runs npm; its cache is a folder of its own too. @throws with what it said when it fails */
export async function npm(words: string[], cwd: string): Promise<ExecResult> {
  const { tarball } = words[0] === 'pack' ? { tarball: cwd } : await packed();
  const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--cache', join(tarball, '../npm-cache')];
  const command: Command = ['npm', ...words, ...quiet];
  const result = await exec(command, { timeoutMs: 120_000, cwd });
  if (result.code === 0) return result;
  throw new Error(`${command.join(' ')} exited with ${result.code}: ${result.stderr}${result.stdout}`);
}

/** The help of a command as it reads under the old name that it was called by. */
export function asCalled(name: string, command: string, help: string): string {
  return help.replace(`Usage: cutover ${command} `, `Usage: ${name} `);
}
