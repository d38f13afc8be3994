import { closeSync, openSync, readSync } from 'node:fs';
import { markOf, readListening, tables } from './sockets.ts';

/** The kernel hands out whole lines: asked for so much, one. */
const lineBytes = 256;

/** Where a port's line stood at the last look. */
interface Place {
  file: string;
  mark: string;
  /** lines from the table's begin to its own, the heading included */
  lines: number;
}

/**
 * Tells again and again whether somebody listens on every one of these ports. A yes reads the tables up to the lines
 * that were there before, a hundredth of the cost of a whole look; what is not there any more is looked for in the
 * thread pool, since a no takes the kernel's walk through all connections, and holds nobody up.
 */
export function listeningWatch(ports: readonly number[]): () => Promise<boolean> {
  let places: Place[] = [];
  return async () => {
    if (places.length === ports.length && places.every(isStillThere)) return true;
    places = await findPlaces(ports);
    return places.length === ports.length;
  };
}

async function findPlaces(ports: readonly number[]): Promise<Place[]> {
  const texts = await Promise.all(tables.map(async (table) => ({ ...table, text: await readListening(table.file) })));
  return ports.flatMap((port) => {
    const found = texts.flatMap(({ file, nobody, text }) => {
      const mark = markOf(port, nobody);
      const at = text.indexOf(mark);
      return at === -1 ? [] : [{ file, mark, lines: text.slice(0, at).split('\n').length }];
    });
    return found.slice(0, 1);
  });
}

function isStillThere({ file, mark, lines }: Place): boolean {
  const table = openSync(file, 'r');
  const page = Buffer.allocUnsafe(lineBytes);
  try {
    let size = 0;
    for (let line = 0; line < lines; line += 1) size = readSync(table, page);
    return page.toString('latin1', 0, size).includes(mark);
  } finally {
    closeSync(table);
  }
}
