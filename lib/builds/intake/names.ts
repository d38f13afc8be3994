import { type IntakeLimits, nameBytes } from './limits.ts';
import { refusal } from './refusal.ts';

/** The limits that names have. */
export type NameLimits = Pick<IntakeLimits, 'pathBytes' | 'depth'>;

/**
 * A path of an archive, name by name; "." and double slashes mean nothing.
 * @param subject what is told of when the path is refused
 * @throws `no_build` for a path that leads out of the build, and for names that are too long or cannot be written
 */
export function segmentsOf(path: string, subject: string, limits: NameLimits): string[] {
  verifyText(path, subject, 'has a name');
  if (path.startsWith('/')) throw bad(subject, `has an absolute path${path === subject ? '' : `: ${told(path)}`}`);
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.includes('..')) throw bad(subject, 'leads out of the build with ".."');
  if (Buffer.byteLength(path) > limits.pathBytes)
    throw bad(subject, `has a path of more than ${limits.pathBytes} bytes`);
  if (segments.some((segment) => Buffer.byteLength(segment) > nameBytes)) {
    throw bad(subject, `has a name of more than ${nameBytes} bytes`);
  }
  if (segments.length > limits.depth) throw bad(subject, `lies more than ${limits.depth} folders deep`);
  return segments;
}

/** Where a link says it leads; whether that is in the build is known when all of it is there. @throws `no_build` */
export function verifyDestination(to: string, subject: string, limits: NameLimits): void {
  verifyText(to, subject, 'leads to a name');
  if (to === '') throw bad(subject, 'is a link to nothing');
  if (Buffer.byteLength(to) > limits.pathBytes)
    throw bad(subject, `leads to a path of more than ${limits.pathBytes} bytes`);
  if (to.startsWith('/')) throw bad(subject, `is a link that leads out of the build, to ${told(to)}`);
}

/** Why an entry is refused. */
export function bad(subject: string, what: string): Error {
  return refusal(`the archive is refused: ${told(subject)} ${what}`);
}

/** A hostile name must not write on the terminal, nor fill it. */
export function told(path: string): string {
  return JSON.stringify(path.length > 120 ? `${path.slice(0, 117)}...` : path);
}

/** What cannot be told apart on a terminal, or in a list with a line for each file, is no name. */
function verifyText(text: string, subject: string, what: string): void {
  // The reader of headers puts this sign where bytes are not UTF-8.
  if (text.includes('\uFFFD')) throw bad(subject, `${what} that is not UTF-8`);
  if (/\p{Cc}/u.test(text)) throw bad(subject, `${what} with a control character`);
}
