// Preloaded into a process that restores: it ends that process just before its N-th change of a name beside the database, N being
// what KILL_AT says, without a hook in the code that is tested.
'use strict';
const fs = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');
const { basename } = require('node:path');

const last = Number(process.env.KILL_AT);
let changes = 0;
for (const change of ['open', 'link', 'rename', 'unlink']) {
  const original = fs.promises[change];
  fs.promises[change] = async (...words) => {
    const isBeside = words.some((word) => basename(String(word)).startsWith('app.db'));
    if (isBeside && (changes += 1) === last) process.kill(process.pid, 'SIGKILL');
    return original(...words);
  };
}
syncBuiltinESMExports();
