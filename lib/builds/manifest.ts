import { join } from 'node:path';
import { CutoverError } from '../base/errors.ts';
import { readOwnFile } from './own-file.ts';

/** The file inside a build that tells where the build came from. */
export const manifestName = '.cutover.json';
/** The file beside it that lists everything `cutover add` put into the build. */
export const contentsName = '.cutover.files';
/** Ours have less than one. */
const mostBytes = 64 * 1024;

/** What `cutover add` knew of a build when it took it in. */
export interface Manifest {
  /** digest of the archive as it was received, in hexadecimal */
  sourceSha256: string | null;
  revision: string | null;
  branch: string | null;
  /** regular files, the manifest itself left out */
  files: number;
  /** sum of their lengths */
  bytes: number;
  createdAt: Date;
  /** digest of the list of all files beside it, in hexadecimal; null where there is no list */
  contentsSha256: string | null;
}

/**
 * The manifest of a build, or null where it has none (a build that was copied by hand). Keys beyond ours are left alone.
 * @param build the build's directory
 * @throws `no_build` when it is there but is no manifest; `permission`
 */
export async function readManifest(build: string): Promise<Manifest | null> {
  const text = await readOwnFile(join(build, manifestName), { mostBytes, damaged });
  return text === null ? null : parseManifest(text);
}

/**
 * Reads the text of a manifest.
 * @throws `no_build`, with a message that ends "the build … "
 */
export function parseManifest(text: string): Manifest {
  const fields = objectIn(text);
  return {
    sourceSha256: textOf(fields, 'source_sha256', /^[0-9a-f]{64}$/),
    revision: textOf(fields, 'revision'),
    branch: textOf(fields, 'branch'),
    files: countOf(fields, 'files'),
    bytes: countOf(fields, 'bytes'),
    createdAt: dateOf(fields, 'created_at'),
    contentsSha256: textOf(fields, 'contents_sha256', /^[0-9a-f]{64}$/),
  };
}

/** The text of a manifest, as `parseManifest` reads it. */
export function formatManifest(manifest: Manifest): string {
  const fields = {
    source_sha256: manifest.sourceSha256,
    revision: manifest.revision,
    branch: manifest.branch,
    files: manifest.files,
    bytes: manifest.bytes,
    created_at: manifest.createdAt.toISOString(),
    contents_sha256: manifest.contentsSha256,
  };
  return `${JSON.stringify(fields, null, 2)}\n`;
}

function objectIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch (error) {
    throw damaged('is not JSON', error);
  }
  throw damaged('is not an object');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** It is written on terminals, and given to hooks: one line, as `cutover add` takes it. */
const linePattern = /^\P{Cc}{0,200}$/u;

function textOf(fields: Record<string, unknown>, key: string, pattern = linePattern): string | null {
  const value = fields[key] ?? null;
  if (value === null || (typeof value === 'string' && pattern.test(value))) return value;
  throw damaged(`has a bad "${key}"`);
}

function countOf(fields: Record<string, unknown>, key: string): number {
  const value = fields[key];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw damaged(`has a bad "${key}"`);
}

function dateOf(fields: Record<string, unknown>, key: string): Date {
  const value = fields[key];
  const date = new Date(typeof value === 'string' ? value : Number.NaN);
  if (Number.isNaN(date.getTime())) throw damaged(`has a bad "${key}"`);
  return date;
}

function damaged(how: string, cause?: unknown): CutoverError {
  return new CutoverError('no_build', `has a damaged manifest: ${manifestName} ${how}`, {
    mend: 'take the build in again with cutover add',
    cause,
  });
}
