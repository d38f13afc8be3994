import { existsSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { exec } from '../base/exec.ts';
import { openController } from '../base/wait.ts';

/** Where journald listens for entries with fields (systemd-journald.service(8)). */
const socket = '/run/systemd/journal/socket';
const timeoutMs = 2_000;
/** Nobody who waits for longer than this is in want of some milliseconds. */
const preparedMs = 10_000;

/** The fields of an entry, systemd.journal-fields(7): names in capitals, a value without a name is left out. */
export type JournalFields = Record<string, string | number | null | undefined>;

/** Puts entries into the systemd journal, with fields that `journalctl NAME=VALUE` finds. */
export interface JournalWriter {
  /** Begins what is to write the next entry, for who knows that one will come. */
  prepare: () => void;
  /** Never an error: without a journal, or without that program, nothing is written. */
  write: (fields: JournalFields) => Promise<void>;
}

/**
 * Node cannot write to a datagram socket, so logger(1) of util-linux does: one process for each entry, which takes longer to start
 * than to write, and writes nothing when it is told nothing.
 */
export function journalWriter(): JournalWriter {
  let prepared: PreparedEntry | null = null;
  return {
    prepare() {
      if (prepared !== null || !existsSync(socket)) return;
      const entry = prepareEntry();
      prepared = entry;
      // It may be asked for again, after one that was kept waiting for too long.
      void entry.ended.then(() => {
        if (prepared === entry) prepared = null;
      });
    },
    async write(fields) {
      const [text, ready] = [journalText(fields), prepared];
      prepared = null;
      // One that was kept waiting for too long is not there any more.
      if (await ready?.give(text)) return;
      if (existsSync(socket)) await log(text, { timeoutMs });
    },
  };
}

/** A program that waits for its entry. @returns whether it has written what it was given */
interface PreparedEntry {
  ended: Promise<unknown>;
  give: (text: string) => Promise<boolean>;
}

function prepareEntry(): PreparedEntry {
  const input = new PassThrough();
  const hung = openController();
  const written = log(input, { timeoutMs: preparedMs, signal: hung.signal });
  return {
    ended: written,
    give(text) {
      input.end(text);
      const timer = setTimeout(() => hung.abort(), timeoutMs);
      return written.finally(() => clearTimeout(timer));
    },
  };
}

async function log(input: string | PassThrough, bounds: { timeoutMs: number; signal?: AbortSignal }): Promise<boolean> {
  return exec(['logger', '--journald'], { ...bounds, input }).then(
    ({ code }) => code === 0,
    () => false,
  );
}

/** Entries that are held back until their moment, and are written one after the other then. */
export interface Held {
  hold: (fields: JournalFields) => void;
  flush: () => void;
  written: () => Promise<void>;
}

/** @param write puts one entry into the journal */
export function inTurn(write: (fields: JournalFields) => Promise<void>): Held {
  let held: JournalFields[] = [];
  let written: Promise<void> = Promise.resolve();
  return {
    hold: (fields) => void held.push(fields),
    flush() {
      for (const fields of held) written = written.then(() => write(fields)).catch(() => {});
      held = [];
    },
    written: () => written,
  };
}

/** What logger(1) reads: a field a line; of a message with several lines each has the name. */
export function journalText(fields: JournalFields): string {
  const lines = Object.entries(fields).flatMap(([name, value]) => {
    if (value === null || value === undefined) return [];
    const texts = String(value)
      .split('\n')
      // oxlint-disable-next-line no-control-regex -- the journal takes a message with one for binary, and hides it
      .map((text) => text.replaceAll(/[\u0000-\u001F\u007F]/g, ' '));
    return (name === 'MESSAGE' ? texts : [texts.join(' ')]).map((text) => `${name}=${text}\n`);
  });
  return lines.join('');
}
