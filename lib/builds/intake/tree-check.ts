import { Breath } from '../../base/breath.ts';
import { type Contents, type Item } from '../contents.ts';
import { readTree, type TreeEntry } from '../tree.ts';
import type { IncomingFolder } from './incoming.ts';
import type { AcceptedEntry } from './judge.ts';
import { type Lead, Leads } from './links.ts';
import { refusal } from './refusal.ts';
import type { Unpacked } from './unpack.ts';

/**
 * Compares what is on the disk with what was accepted, to the last path, and follows every link.
 * @returns all that the build holds, but its own folder
 * @throws `no_build` naming the path; `permission`; the signal's reason when aborted
 */
export async function verifyTree(
  { path, owner }: IncomingFolder,
  { accepted, replaced }: Pick<Unpacked, 'accepted' | 'replaced'>,
  signal: AbortSignal,
): Promise<Contents> {
  const tree = await readTree(path, { signal, by: owner });
  for (const name of ['', ...replaced]) tree.delete(name);
  const contents = new Map<string, Item>();
  const [leads, breath] = [new Leads(tree), new Breath(signal)];
  for (const [name, entry] of tree) {
    if (breath.isDue()) await breath.take();
    const wanted = accepted.get(name);
    const item = wanted ? itemOf(entry, { wanted, accepted }) : null;
    if (!item) throw readDifferently(name);
    if (item.kind === 'link') verifyLead(name, { to: item.to, lead: leads.of(name) });
    contents.set(name, item);
  }
  for (const name of accepted.keys()) if (!tree.has(name)) throw readDifferently(name);
  return contents;
}

/** @returns null when it is not what was accepted */
function itemOf(
  { kind, mode, size, to }: TreeEntry,
  { wanted, accepted }: { wanted: AcceptedEntry; accepted: Unpacked['accepted'] },
): Item | null {
  // Setuid, setgid, sticky, and everybody's right to write: tar was told to leave them out.
  if (kind !== 'link' && Number.parseInt(mode, 8) & 0o7002) return null;
  if (kind === 'directory') return wanted.kind === 'directory' ? { kind, mode } : null;
  if (kind === 'link') return wanted.kind === 'link' && wanted.to === to ? { kind, to } : null;
  const file = wanted.kind === 'hardlink' ? accepted.get(wanted.to) : wanted;
  return kind === 'file' && file?.kind === 'file' && file.size === size
    ? { kind, mode, size, sha256: file.sha256 }
    : null;
}

function verifyLead(name: string, { to, lead }: { to: string; lead: Lead }): void {
  if (lead === 'inside' || lead === 'nothing') return;
  const how = lead === 'outside' ? `leads out of the build, to ${JSON.stringify(to)}` : 'leads in circles';
  throw refusal(`the archive is refused: ${JSON.stringify(name)} is a link that ${how}`);
}

function readDifferently(name: string): Error {
  return refusal(`the archive is refused: it can be read in two ways, which differ at ${JSON.stringify(name)}`);
}
