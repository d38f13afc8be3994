import { type Figure, figureOf, show } from '../figures.ts';
import { contents } from './archive.ts';
import { buildCount } from './listing.ts';

/** What was measured of one way of packing, a value for each round. */
export interface IntakeSamples {
  name: string;
  bytes: number;
  /** GNU tar alone: what it wrote is not on the disk yet */
  tarMs: number[];
  /** GNU tar, and then the file system brought to the disk */
  durableMs: number[];
  addMs: number[];
  addPeakBytes: number;
  tarPeakBytes: number;
}

export interface ListingSamples {
  nodeMs: number[];
  buildsMs: number[];
  jsonMs: number[];
  peakBytes: number;
}

/** The page that `npm run bench:intake` writes. */
export function intakeText(
  samples: readonly IntakeSamples[],
  { listing, rounds, load }: { listing: ListingSamples; rounds: number; load: number },
): string {
  const rows = samples.map(({ name, bytes, tarMs, durableMs, addMs, addPeakBytes, tarPeakBytes }) => {
    const cells = [tarMs, durableMs, addMs].map((values) => show(figureOf(values.map((ms) => ms / 1000)), 1));
    const ratios = [tarMs, durableMs].map((floor) => show(ratio(addMs, floor), 2));
    return row([
      `${name}, ${megabytes(bytes)} MB`,
      ...cells,
      ...ratios,
      megabytes(addPeakBytes),
      megabytes(tarPeakBytes),
    ]);
  });
  return `# Taking archives in

\`npm run bench:intake\`. One tree of 1 GB: ${contents.small} small files and ${contents.large} large ones, packed in three ways. ${rounds} rounds, in
each of which the three take turns in a changing order, on one file system, with everything written out before each; a ratio is of
one round. Middle, and from least to most. The machine has two cores; ${load.toFixed(0)} processes wanted to run at the end (load average).
${load > 3 ? 'It was busy with other work, so that figures which lie far apart say little: measure again on a quiet one.' : ''}

"tar" is \`tar --extract\` alone. "tar, on the disk" is that and \`sync --file-system\`, since \`cutover add\` has the build on the disk
before it gives it a name. \`cutover add\` also takes the digest of the archive and of every file, judges every entry, and
compares what was unpacked with what was judged. Memory is the most that all processes together held, shared pages counted once.

| archive | tar, s | tar, on the disk, s | cutover add, s | over tar | over tar, on the disk | peak of add, MB | peak of tar, MB |
|---|---|---|---|---|---|---|---|
${rows.join('\n')}

Goals: no more than 1.5 times GNU tar's time, less than 150 MB.

# Listing ${buildCount} builds

| command | ms | over \`node -e 0\` |
|---|---|---|
${[
  row(['`cutover builds`', show(figureOf(listing.buildsMs)), show(ratio(listing.buildsMs, listing.nodeMs), 1)]),
  row(['`cutover builds --json`', show(figureOf(listing.jsonMs)), show(ratio(listing.jsonMs, listing.nodeMs), 1)]),
  row(['`node -e 0`', show(figureOf(listing.nodeMs)), '1']),
].join('\n')}

Peak memory of \`cutover builds\`: ${megabytes(listing.peakBytes)} MB. It reads each build's manifest and adds up each build's size.
`;
}

function ratio(values: readonly number[], floor: readonly number[]): Figure | null {
  return figureOf(values.map((value, at) => value / (floor[at] ?? Number.NaN)));
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}
