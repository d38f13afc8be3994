import { existsSync } from 'node:fs';
import { exec } from '../base/exec.ts';

/** Where journald listens for entries with fields (systemd-journald.service(8)). */
const socket = '/run/systemd/journal/socket';
const timeoutMs = 2_000;

/** The fields of an entry, systemd.journal-fields(7): names in capitals, a value without a name is left out. */
export type JournalFields = Record<string, string | number | null | undefined>;

/**
 * Adds an entry to the systemd journal, with fields that `journalctl NAME=VALUE` finds. Node cannot write to a datagram
 * socket, so logger(1) of util-linux does. Never an error: without a journal, or without that program, nothing is written.
 */
export async function writeJournal(fields: JournalFields): Promise<void> {
  if (!existsSync(socket)) return;
  await exec(['logger', '--journald'], { timeoutMs, input: journalText(fields) }).catch(() => {});
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
