import { join } from 'node:path';
import { readManifest } from './manifest.ts';

/** What a build was made from. */
export interface Origin {
  revision: string | null;
  branch: string | null;
}

const unknown: Origin = { revision: null, branch: null };

/**
 * What the manifest of a build tells of its source. Only people read it, so a manifest that is missing, damaged or not readable
 * tells nothing, and stops nothing: whether the build may be deployed is a check's question.
 * @param id the build; null: there is none
 */
export async function originOf(builds: string, id: string | null): Promise<Origin> {
  if (id === null) return unknown;
  const manifest = await readManifest(join(builds, id)).catch(() => null);
  return manifest ? { revision: manifest.revision, branch: manifest.branch } : unknown;
}
