// Loads the bundle. V8 needs some 15 ms to compile what a command uses; so the compiled code is kept beside the bundle,
// a file for each command, by the first run that may write there.
const { accessSync, closeSync, constants, fsyncSync, mkdirSync, openSync } = require('node:fs');
const { readFileSync, renameSync, writeFileSync } = require('node:fs');
const { wrap } = require('node:module');
const { dirname, join } = require('node:path');
const { Script } = require('node:vm');
// Loading it takes half as long as node:crypto; what is to be seen here is damage, and nobody's intent.
const { crc32 } = require('node:zlib');

const file = join(__dirname, '../dist/cutover.cjs');
const directory = join(__dirname, '../dist/compiled');
const executable = join(__dirname, 'cutover.js');
/** The checksum, and room that keeps what follows aligned. */
const headBytes = 8;
/** The commands that people wait for. What ends an interrupted run is not among them: it relies on nothing that may be left out. */
const waitedFor = new Set([
  'check',
  'deploy',
  'rollback',
  'status',
  'builds',
  'history',
  'report',
  'direct',
  '--version',
]);

/**
 * @param {string} command the word after the executable's name, or the command that the executable is
 * @returns {{ main: (tool: string, argv: string[]) => Promise<void> }}
 */
exports.load = function load(command) {
  // The build sees to it that there is nothing but ASCII: V8 then needs half the memory, and nothing is decoded.
  const source = readFileSync(file, 'latin1');
  const kept = waitedFor.has(command) ? join(directory, nameOf(source, command)) : null;
  const cachedData = kept === null ? undefined : readKept(kept);
  const script = new Script(wrap(source), { filename: file, cachedData });
  const module = { exports: {} };
  // What is inside knows its file by the name of what has to be called to run it again.
  script.runInThisContext()(module.exports, require, module, executable, __dirname);
  // At the exit V8 has compiled all that the command used, and not only what its begin needs.
  if (kept && (!cachedData || script.cachedDataRejected)) process.once('exit', () => keep(kept, script));
  return module.exports;
};

/** Another text, another version of Node or another kind of machine is another file. V8 itself looks no further than the length. */
function nameOf(source, command) {
  return `${source.slice(-17, -1)}-${process.version}-${process.arch}-${command}`;
}

/** V8 believes what it reads, and ends the process over a byte that is wrong: so a checksum stands before the code. */
function readKept(path) {
  try {
    const bytes = readFileSync(path);
    const code = bytes.subarray(headBytes);
    return headOf(code).equals(bytes.subarray(0, headBytes)) ? code : undefined;
  } catch {
    return undefined;
  }
}

function headOf(code) {
  const head = Buffer.alloc(headBytes);
  head.writeUInt32LE(crc32(code));
  head.writeUInt32LE(code.length, 4);
  return head;
}

/** A run that may not write here is as good, and a little slower. */
function keep(path, script) {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    accessSync(dirname(directory), constants.W_OK);
    mkdirSync(directory, { recursive: true });
    const descriptor = openSync(temporary, 'wx', 0o644);
    const code = script.createCachedData();
    writeFileSync(descriptor, Buffer.concat([headOf(code), code]));
    // A file that a power cut has torn would be worse than none.
    fsyncSync(descriptor);
    closeSync(descriptor);
    renameSync(temporary, path);
  } catch {
    // The next run that may will keep it.
  }
}
