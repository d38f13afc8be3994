import { openRegularFile } from '../../base/regular-file.ts';

const blockBytes = 64 * 1024;
/** Lines that are longer than a log's would be a flood. */
const mostBytes = 16 * 1024 * 1024;

/**
 * The last lines of a file, oldest first, read from its end.
 * @throws the errno of what cannot be read; an error that says so of what is no regular file
 */
export async function lastLinesOf(path: string, count: number, signal?: AbortSignal): Promise<string[]> {
  const file = await openRegularFile(path);
  try {
    const { size } = await file.stat();
    const blocks: Buffer[] = [];
    let ends = 0;
    let at = size;
    // One line end more than lines: that of the line before them.
    while (at > 0 && ends <= count && size - at < mostBytes) {
      signal?.throwIfAborted();
      const length = Math.min(blockBytes, at);
      at -= length;
      const block = Buffer.alloc(length);
      const { bytesRead } = await file.read(block, 0, length, at);
      const read = block.subarray(0, bytesRead);
      for (const byte of read) if (byte === 0x0a) ends += 1;
      blocks.unshift(read);
    }
    const lines = Buffer.concat(blocks).toString('utf8').split('\n');
    if (lines.at(-1) === '') lines.pop();
    return lines.slice(-count);
  } finally {
    await file.close();
  }
}
