// Preloaded (NODE_OPTIONS=--require) into `cutover init`: ends it by SIGKILL at its N-th moment, KILL_AT=N, without a hook in
// the code that is tested. Moments: just before each rename and unlink, and right after each call that has gone to systemd.
// In any other process it does nothing.
'use strict';
const fs = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');
const { Socket } = require('node:net');
const { basename } = require('node:path');

const calls = ['EnableUnitFiles', 'DisableUnitFiles', 'Reload', 'RestartUnit', 'StartUnit', 'StopUnit'];
// A string on the bus has its length before it and a zero after it.
const onWire = calls.map((name) => Buffer.from(`${String.fromCharCode(name.length)}\0\0\0${name}\0`));
const [, script = '', command] = process.argv;
let left = Number(process.env.KILL_AT);

if (basename(script) === 'cutover.js' && command === 'init' && left > 0) {
  for (const change of ['rename', 'unlink']) {
    for (const [door, name] of [[fs.promises, change], [fs, `${change}Sync`]]) {
      const original = door[name];
      door[name] = (...paths) => {
        pass();
        return original(...paths);
      };
    }
  }
  const { write } = Socket.prototype;
  Socket.prototype.write = function (chunk, ...more) {
    const result = write.call(this, chunk, ...more);
    // The bytes are the kernel's by then, and no answer has been read yet.
    if (onWire.some((name) => Buffer.from(chunk).includes(name))) setImmediate(pass);
    return result;
  };
  syncBuiltinESMExports();
}

function pass() {
  left -= 1;
  if (left === 0) process.kill(process.pid, 'SIGKILL');
}
