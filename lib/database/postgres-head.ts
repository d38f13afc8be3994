/** Every entry of an archive begins with a comment that names it. */
const firstEntry = /^-- (?:\w+ for )?Name: /m;

const setting = /^SET (\w+) = (.+);$/gm;

/**
 * The script of pg_restore for whatever server: before its first entry it sets what the program knows, which may be newer than the
 * server (transaction_timeout since 17). What the server does not know is left out; everything after the head is passed on as it is.
 * @param script its bytes, in any pieces
 */
export async function* withKnownSettings(script: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let head: Buffer | null = Buffer.alloc(0);
  for await (const piece of script) {
    if (head === null) {
      yield piece;
      continue;
    }
    head = Buffer.concat([head, piece]);
    // A byte each, so that places in the text are places in the bytes.
    const end = firstEntry.exec(head.toString('latin1'))?.index;
    if (end === undefined) continue;
    yield onlyKnown(head.subarray(0, end));
    yield head.subarray(end);
    head = null;
  }
  if (head !== null) yield onlyKnown(head);
}

function onlyKnown(head: Buffer): Buffer {
  const asked = head.toString('latin1').replace(setting, (_, name: string, value: string) => {
    const text = value.startsWith("'") ? value : `'${value}'`;
    return `SELECT pg_catalog.set_config(name, ${text}, false) FROM pg_catalog.pg_settings WHERE name = '${name}';`;
  });
  return Buffer.from(asked, 'latin1');
}
