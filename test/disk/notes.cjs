// Notes what a process does with names, files and the disk, in its order, without a hook in the code that is tested: what a power
// cut would take can be worked out from it. Preloaded (NODE_OPTIONS=--require) into a command it notes into the file that
// DISK_NOTES names; a test may also note what it does itself (`noteDisk`), before it imports what it tests.
'use strict';
const fs = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');
const { Socket } = require('node:net');
const { basename, resolve } = require('node:path');

const calls = ['StopUnit', 'StartUnit', 'RestartUnit', 'KillUnit'];
// A string on the bus has its length before it and a zero after it.
const onWire = new Map(calls.map((name) => [name, Buffer.from(`${String.fromCharCode(name.length)}\0\0\0${name}\0`)]));
const isDeployer = basename(process.argv[1] ?? '') === 'cutover.js';
if (process.env.DISK_NOTES && isDeployer) noteInto(process.env.DISK_NOTES);

exports.noteDisk = noteDisk;

function noteInto(path) {
  const { openSync, writeSync } = fs;
  const file = openSync(path, 'a');
  noteDisk((note) => writeSync(file, `${JSON.stringify(note)}\n`));
}

/** From now on `tell` gets a note of each thing that is done. */
function noteDisk(tell) {
  let syncs = 0;
  const syncing = (path) => {
    const id = (syncs += 1);
    tell({ what: 'syncing', path, id });
    return () => tell({ what: 'synced', path, id });
  };
  noteDescriptors(tell, syncing);
  noteHandles(tell, syncing);
  noteNames(tell);
  noteCalls(tell);
  syncBuiltinESMExports();
}

function noteDescriptors(tell, syncing) {
  const { openSync, closeSync, writeFileSync } = fs;
  const paths = new Map();
  fs.openSync = (path, ...how) => {
    const isNew = !fs.existsSync(path);
    const file = openSync(path, ...how);
    paths.set(file, real(path));
    if (isNew) tell({ what: 'created', path: real(path) });
    return file;
  };
  fs.closeSync = (file) => {
    paths.delete(file);
    closeSync(file);
  };
  fs.writeFileSync = (place, text, ...more) => {
    writeFileSync(place, text, ...more);
    if (paths.has(place)) tell({ what: 'written', path: paths.get(place), text: String(text) });
  };
  for (const name of ['fsync', 'fdatasync']) {
    const [original, originalSync] = [fs[name], fs[`${name}Sync`]];
    fs[name] = (file, done) => {
      const isDone = syncing(paths.get(file) ?? '');
      original(file, (error) => {
        if (!error) isDone();
        done(error);
      });
    };
    fs[`${name}Sync`] = (file) => {
      const isDone = syncing(paths.get(file) ?? '');
      originalSync(file);
      isDone();
    };
  }
}

/** Whoever opens a file to write it may have another program write it: it counts as written. */
function noteHandles(tell, syncing) {
  const { open } = fs.promises;
  fs.promises.open = async (path, how = 'r', ...more) => {
    const isNew = !fs.existsSync(path);
    const file = await open(path, how, ...more);
    const own = real(path);
    if (isNew) tell({ what: 'created', path: own });
    if (!(how === 'r' || (typeof how === 'number' && (how & 3) === 0))) tell({ what: 'written', path: own, text: 'something' });
    for (const name of ['sync', 'datasync']) {
      const original = file[name].bind(file);
      file[name] = async () => {
        const isDone = syncing(own);
        await original();
        isDone();
      };
    }
    return file;
  };
}

function noteNames(tell) {
  for (const what of ['rename', 'symlink', 'unlink', 'mkdir']) {
    const note = (isDone, words) => {
      const [path, to = ''] = what === 'symlink' ? [words[1]] : words;
      const isBefore = what === 'rename' || what === 'unlink';
      if (isBefore !== isDone) tell({ what, path: beside(path), to: what === 'rename' ? beside(to) : '' });
    };
    const [original, originalSync] = [fs.promises[what], fs[`${what}Sync`]];
    fs.promises[what] = async (...words) => {
      note(false, words);
      const result = await original(...words);
      note(true, words);
      return result;
    };
    // Whoever makes directories at once mostly finds them made.
    if (what === 'mkdir') continue;
    fs[`${what}Sync`] = (...words) => {
      note(false, words);
      const result = originalSync(...words);
      note(true, words);
      return result;
    };
  }
}

function noteCalls(tell) {
  const { write } = Socket.prototype;
  Socket.prototype.write = function (chunk, ...more) {
    for (const [path, bytes] of onWire) if (Buffer.from(chunk).includes(bytes)) tell({ what: 'sent', path });
    return write.call(this, chunk, ...more);
  };
}

/** By its own name, also where it was reached through `/proc/self/fd`. */
function real(path) {
  try {
    return fs.realpathSync(path);
  } catch {
    return resolve(String(path));
  }
}

/** A name that may be a link, or may not be there: its directory's own name, and this one below it. */
function beside(path) {
  const at = String(path);
  return `${real(resolve(at, '..'))}/${basename(at)}`;
}
