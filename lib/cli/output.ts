import { constants, fstatSync, openSync, readFileSync, writeSync } from 'node:fs';
import { statField } from '../base/process.ts';

/** What this process writes on one of its descriptors. A service may be down meanwhile, so no reader is waited for. */
export interface Output {
  /**
   * Writes what the reader takes at once, and keeps the rest, which is tried again by and by, in the same order.
   * @returns false where there is no reader any more: nothing is kept for one
   */
  write(text: string): boolean;
  /** whether something is kept */
  isBehind(): boolean;
  /** Writes what is kept, and waits for the reader; one that is gone is not waited for. */
  finish(): void;
}

const again = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
/**
 * The major numbers of devices that are no terminal (/dev/null and its like), or stand for another one (/dev/tty, /dev/console,
 * /dev/ptmx), which may be another one by now.
 */
const notAnew = new Set([1, 5]);
const retryMs = 20;

/** Takes over the writing on an open descriptor of this process. */
export function openOutput(descriptor: number): Output {
  const own = unhurried(descriptor) ?? descriptor;
  const kept: Buffer[] = [];
  let timer: NodeJS.Timeout | undefined;
  const offer = (): boolean => {
    clearTimeout(timer);
    const isRead = writeAll(own, kept);
    if (kept.length > 0) timer = setTimeout(offer, retryMs).unref();
    return isRead;
  };
  return {
    write(text) {
      kept.push(Buffer.from(text));
      return offer();
    },
    isBehind: () => kept.length > 0,
    finish() {
      // On the descriptor itself, where the kernel tells when there is room.
      while (writeAll(descriptor, kept) && kept.length > 0) pause();
    },
  };
}

/**
 * The same terminal or pipe, opened once more: who shares the descriptor with us does not see that this one never waits. Null:
 * it is none, or may not be opened. A file would be written from its beginning, and a socket cannot be opened.
 */
function unhurried(descriptor: number): number | null {
  try {
    const facts = fstatSync(descriptor);
    const isTerminal = facts.isCharacterDevice() && !notAnew.has((facts.rdev >> 8) & 0xfff);
    if (isTerminal) return anew(descriptor) ?? ownTerminal(facts.rdev);
    return facts.isFIFO() ? anew(descriptor) : null;
  } catch {
    return null;
  }
}

function anew(descriptor: number): number | null {
  try {
    return openSync(`/proc/self/fd/${descriptor}`, again);
  } catch {
    return null;
  }
}

/**
 * After `su` or `sudo -u` the terminal is still the other user's, and may be opened only as our own, under the name that
 * everybody's has. Null: it is not ours.
 */
function ownTerminal(device: number): number | null {
  const own = statField(readFileSync('/proc/self/stat', 'utf8'), 7);
  return own === device ? openSync('/dev/tty', again) : null;
}

/** Takes what is written from the front. @returns false where nobody reads: then all is taken */
function writeAll(descriptor: number, chunks: Buffer[]): boolean {
  try {
    for (let [first] = chunks; first !== undefined; [first] = chunks) {
      const written = writeSync(descriptor, first);
      if (written < first.length) chunks[0] = first.subarray(written);
      else chunks.shift();
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return true;
    chunks.length = 0;
    return false;
  }
}

/** For a descriptor that somebody else has told not to wait. */
function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
}
