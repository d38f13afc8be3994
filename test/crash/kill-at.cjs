// Preloaded (NODE_OPTIONS=--require) into the deployer that a test starts, and into every settle that systemd starts:
// it ends the process at an exact moment, without a hook in the code that is tested. It writes down each moment that
// passes, so a run without an order tells which moments there are. In any other process it does nothing.
//
// Moments: `line N`      the N-th line that this process writes to a ledger has been written
//          `name N`      just before the N-th rename, symlink or unlink
//          `sent CALL:N` the N-th call of that name has gone to systemd, and nobody waits for the answer
//          `ms N`        N milliseconds after the start
// How much of a ledger is on the disk is written down too (`synced`): a test's power cut takes the rest (`unsynced.ts`).
// An order is a moment and, where it is not SIGKILL, a signal: `line 3 SIGSTOP`; several are joined by ` + `.
'use strict';
const fs = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');
const { Socket } = require('node:net');
const { basename, join } = require('node:path');

const folder = '/var/lib/crash';
const calls = ['StartTransientUnit', 'StopUnit', 'StartUnit', 'RestartUnit', 'ResetFailedUnit', 'KillUnit', 'Reload'];
// A string on the bus has its length before it and a zero after it.
const onWire = new Map(calls.map((name) => [name, Buffer.from(`${String.fromCharCode(name.length)}\0\0\0${name}\0`)]));

const [, script = '', command = ''] = process.argv;
const site = /\/var\/lib\/cutover\/([^/]+)\/|\/cutover-([^/]+)\.toml/.exec(process.argv.join(' '));
const orders = join(folder, site?.[1] ?? site?.[2] ?? '-', 'orders.json');
const isDeployer = basename(script) === 'cutover.js' && ['deploy', 'rollback', 'recover-one', 'settle'].includes(command);
if (isDeployer && fs.existsSync(orders)) arm();

function arm() {
  const { record, number } = openRecord();
  const order = JSON.parse(fs.readFileSync(orders, 'utf8'))[command]?.[number - 1] ?? '';
  const strikes = new Map();
  for (const part of order.split(' + ').filter(Boolean)) {
    const [kind, which, signal = 'SIGKILL'] = part.split(' ');
    strikes.set(`${kind} ${which}`, signal);
    if (kind === 'ms') setTimeout(() => pass(`ms ${which}`), Number(which)).unref();
  }
  const pass = (moment, what = '') => {
    const signal = strikes.get(moment);
    fs.writeSync(record, `${moment}\t${what}\t${signal ?? ''}\n`);
    strikes.delete(moment);
    if (signal) process.kill(process.pid, signal);
  };
  watchLedger(pass);
  watchNames(pass);
  watchCalls(pass);
  syncBuiltinESMExports();
}

/** The first number that no process of this command has taken: `wx` lets one win. */
function openRecord() {
  for (let number = 1; ; number += 1) {
    try {
      return { number, record: fs.openSync(join(orders, '..', `${command}.${number}`), 'wx') };
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
  }
}

function watchLedger(pass) {
  const { openSync, closeSync, writeFileSync } = fs;
  const ledgers = new Map();
  let lines = 0;
  fs.openSync = (path, ...how) => {
    const file = openSync(path, ...how);
    if (String(path).endsWith('.jsonl')) ledgers.set(file, basename(path));
    return file;
  };
  fs.closeSync = (file) => {
    ledgers.delete(file);
    closeSync(file);
  };
  fs.writeFileSync = (place, text, ...more) => {
    writeFileSync(place, text, ...more);
    for (const line of ledgers.has(place) ? text.split('\n').filter(Boolean) : []) {
      const { type, name = '', state = '' } = JSON.parse(line);
      pass(`line ${(lines += 1)}`, [type, name, state].filter(Boolean).join(' '));
    }
  };
  watchSyncs(ledgers);
}

/** What had been written when a sync began is on the disk when it has ended. */
function watchSyncs(ledgers) {
  const { fdatasync, appendFileSync } = fs;
  fs.fdatasync = (file, done) => {
    const [name, { size }] = [ledgers.get(file), fs.fstatSync(file)];
    fdatasync(file, (error) => {
      if (name !== undefined && !error) appendFileSync(join(orders, '..', 'synced'), `${name}\t${size}\n`);
      done(error);
    });
  };
}

function watchNames(pass) {
  let names = 0;
  for (const change of ['rename', 'symlink', 'unlink']) {
    for (const [door, name] of [[fs.promises, change], [fs, `${change}Sync`]]) {
      const original = door[name];
      door[name] = (...paths) => {
        pass(`name ${(names += 1)}`, [change, ...paths.map((path) => basename(String(path)))].join(' '));
        return original(...paths);
      };
    }
  }
}

function watchCalls(pass) {
  const { write } = Socket.prototype;
  const sent = new Map();
  Socket.prototype.write = function (chunk, ...more) {
    const result = write.call(this, chunk, ...more);
    for (const call of calls.filter((name) => Buffer.from(chunk).includes(onWire.get(name)))) {
      sent.set(call, (sent.get(call) ?? 0) + 1);
      const moment = `sent ${call}:${sent.get(call)}`;
      // The bytes are the kernel's by then, and no answer has been read yet.
      setImmediate(() => pass(moment));
    }
    return result;
  };
}
