import { gzipSync } from 'node:zlib';
import { type Command, exec } from '../../../lib/base/exec.ts';

/** A header of an archive, field by field; what is left out is as a plain file has it. */
export interface Block {
  /** bytes where a text cannot say it */
  name: string | Buffer;
  /** the type's letter: 0 file, 1 hard link, 2 link, 3 and 4 devices, 5 folder, 6 pipe, x and g pax, L and K long names */
  type?: string;
  mode?: number;
  body?: string | Buffer;
  /** what the header says; default: the body's length */
  size?: number;
  to?: string;
  prefix?: string;
  /** default: pax's; GNU's is "ustar  \0" */
  magic?: string;
  checksum?: number;
}

const blockBytes = 512;

/** An archive, byte by byte: nothing here is as careful as a real program. */
export function tarOf(...blocks: (Block | Buffer)[]): Buffer {
  return Buffer.concat([unended(...blocks), Buffer.alloc(2 * blockBytes)]);
}

/** The same without the end mark. */
export function unended(...blocks: (Block | Buffer)[]): Buffer {
  return Buffer.concat(blocks.map((block) => (Buffer.isBuffer(block) ? block : blockOf(block))));
}

export const zeroBlock = Buffer.alloc(blockBytes);

/** A pax header for the entry behind it (`x`) or for all of them (`g`). */
export function pax(fields: Record<string, string>, type: 'x' | 'g' = 'x'): Block {
  return { name: 'PaxHeader', type, body: Object.entries(fields).map(paxRecord).join('') };
}

/** GNU's way to say a long name (`L`) or a long destination (`K`). */
export function long(text: string, type: 'L' | 'K' = 'L'): Block {
  return { name: '././@LongLink', type, body: `${text}\0`, magic: 'ustar  \0' };
}

export const compressions: Record<string, (archive: Buffer) => Promise<Buffer>> = {
  plain: async (archive) => archive,
  gzip: async (archive) => gzipSync(archive),
  zstd: (archive) => through(['zstd', '-q', '-c'], archive),
};

async function through(command: Command, archive: Buffer): Promise<Buffer> {
  const script = 'base64 --decode | "$@" | base64 --wrap 0';
  const options = { timeoutMs: 60_000, input: archive.toString('base64') };
  const { code, stdout, stderr } = await exec(['bash', '-o', 'pipefail', '-c', script, 'sh', ...command], options);
  if (code !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
  return Buffer.from(stdout, 'base64');
}

function paxRecord([key, value]: [string, string]): string {
  const rest = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(rest);
  while (String(length).length + Buffer.byteLength(rest) !== length) {
    length = String(length).length + Buffer.byteLength(rest);
  }
  return `${length}${rest}`;
}

function blockOf({
  name,
  type = '0',
  mode = 0o644,
  body = '',
  size,
  to = '',
  prefix = '',
  magic = 'ustar\u000000',
  checksum,
}: Block): Buffer {
  const header = Buffer.alloc(blockBytes);
  const content = Buffer.from(body);
  const write = (text: string | Buffer, at: number, most: number): void =>
    void Buffer.from(text).copy(header, at, 0, most);
  write(name, 0, 100);
  write(`${mode.toString(8).padStart(7, '0')}\0`, 100, 8);
  write('0000000\0', 108, 8);
  write('0000000\0', 116, 8);
  write(sizeField(size ?? content.length), 124, 12);
  write('14000000000\0', 136, 12);
  write(type, 156, 1);
  write(to, 157, 100);
  write(magic, 257, 8);
  write(prefix, 345, 155);
  write('        ', 148, 8);
  const sum = checksum ?? header.reduce((total, byte) => total + byte, 0);
  write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8);
  return Buffer.concat([header, content, Buffer.alloc((blockBytes - (content.length % blockBytes)) % blockBytes)]);
}

/** What octal digits cannot say is written in base 256. */
function sizeField(size: number): Buffer | string {
  if (size <= 0o77777777777) return `${size.toString(8).padStart(11, '0')}\0`;
  const field = Buffer.alloc(12);
  field[0] = 0x80;
  field.writeBigUInt64BE(BigInt(size), 4);
  return field;
}
