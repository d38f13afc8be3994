// Loads the program out of dist/cutover.cjs. V8 needs some 15 ms to compile what a command uses; so the compiled code is
// kept, a file for each command, by the first run that may write there.
// This runs in the package and at the head of dist/cutover.cjs itself, where it may be a module of either kind: hence no require().
requireNode(20, 19);
const fs = process.getBuiltinModule('node:fs');
const { dirname, join } = process.getBuiltinModule('node:path');
const { Script } = process.getBuiltinModule('node:vm');

/** What each layer of the program stands behind, which must not stand here; how its lines begin; how long the line behind all is. */
const mark = ['', '//:', ''].join('\n');
const nextLine = Buffer.from('\n//');
const lastLine = 68;
const keptForMs = 30 * 86_400_000;
/** The commands that people wait for. What ends an interrupted run is not among them: it relies on nothing that may be left out. */
const waitedFor = (exports.waitedFor = new Set([
  'check',
  'deploy',
  'rollback',
  'status',
  'builds',
  'history',
  'report',
  'complete',
  'pre-deployment-check',
  'safe-deploy',
  'deploy-with-zero-downtime',
  '--version',
]));

/**
 * Runs one of the package's executables.
 * @param {string} tool its name
 * @param {string} bin the folder it lies in
 */
exports.start = function start(tool, bin) {
  const installation = dirname(bin);
  const file = join(installation, 'dist/cutover.cjs');
  const compiled = join(installation, 'dist/compiled');
  exports.run(tool, { file, executable: join(bin, 'cutover.js'), installation, compiled });
};

/**
 * @param {string} tool the name of an executable
 * @param {object} places
 * @param {string} places.file what the program is read from
 * @param {string} places.executable what Node has to be given to run it again
 * @param {string} places.installation the file or folder that is all of it
 * @param {string | null} places.compiled the folder for compiled code, which is made where the folder around it is there
 */
exports.run = function run(tool, { file, executable, installation, compiled }) {
  const { bytes, layers } = programIn(file);
  if (layers === null) return;
  const [, , word = ''] = process.argv;
  const command = tool === 'cutover' ? word : tool;
  const kept = compiled !== null && waitedFor.has(command) ? join(compiled, nameOf(bytes, command)) : null;
  const ask = askIn(layers, { file, kept, loaded: { executable, installation } });
  void ask('0:lib/cli.ts').main(tool, process.argv.slice(2));
};

/** Gives what the program asks for: a module of one of its layers (bin/layers.mjs), which is run when first something of it is asked for. */
function askIn(layers, { file, kept, loaded }) {
  const entered = [];
  const modules = new Map();
  return ask;

  function ask(name) {
    if (name[1] !== ':') return builtIn(name);
    if (!modules.has(name)) {
      const [number] = name;
      entered[number] ??= enter(uncommented(layers[number]), `${file}:${number}`, kept && `${kept}-${number}`);
      modules.set(name, entered[number][name.slice(2)]());
    }
    return modules.get(name);
  }

  function enter(source, filename, kept) {
    const cachedData = kept === null ? undefined : readKept(kept);
    const script = new Script(source, { filename, cachedData });
    const module = { exports: {}, loaded };
    script.runInThisContext()(module.exports, ask, module, file, dirname(file));
    // At the exit V8 has compiled all that the command used, and not only what its begin needs.
    if (kept && (!cachedData || script.cachedDataRejected)) process.once('exit', () => keep(kept, script));
    return module.exports;
  }
}

/** Before anything newer is asked for: npm only warns, and a file that was copied cannot even do that. */
function requireNode(...needed) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > needed[0] || (major === needed[0] && minor >= needed[1])) return;
  complain(
    `it needs Node ${needed.join('.')} or newer, and this is ${process.version}`,
    `${process.execPath} --version`,
  );
  process.exit();
}

/** @returns `layers` null: it cannot be read, or is not whole, and that was said */
function programIn(file) {
  try {
    const bytes = fs.readFileSync(file);
    const layers = layersIn(bytes);
    if (layers === null) complain(`${file} is not whole`, 'copy it here again');
    return { bytes, layers };
  } catch ({ code }) {
    if (code !== 'ENOENT') complain(`cannot read ${file}: ${code}`, `ls -l ${file}`);
    else complain(`${file} is not there`, 'in a clone: npm run build; else install the package again');
    return { layers: null };
  }
}

/** Nothing was begun. */
function complain(fact, mend) {
  process.stderr.write(`cutover: ${fact}\n  -> ${mend}\n`);
  process.exitCode = 1;
}

/**
 * The program stands in comments, so that Node does not read it as its own; the last line shows that nothing is missing. The build
 * sees to it that there is nothing but ASCII: V8 then needs half the memory, and nothing is decoded.
 */
function layersIn(bytes) {
  if (!/^\/\/ [0-9a-f]{64}\n$/.test(bytes.subarray(-lastLine).toString('latin1'))) return null;
  const layers = [];
  for (let begin = bytes.indexOf(mark); begin !== -1; ) {
    const next = bytes.indexOf(mark, begin + 1);
    layers.push(bytes.subarray(begin + mark.length - 1, next === -1 ? -lastLine : next));
    begin = next;
  }
  return layers.length > 0 ? layers : null;
}

/** In its place: a copy of a million characters would be one more thing for V8 to clean up. */
function uncommented(program) {
  let length = 0;
  for (let begin = 0; begin < program.length; ) {
    const next = program.indexOf(nextLine, begin);
    const end = next === -1 ? program.length : next + 1;
    program.copyWithin(length, begin, end);
    length += end - begin;
    begin = end + nextLine.length - 1;
  }
  return program.toString('latin1', 0, length);
}

/** What the program may ask for is what Node itself has: nothing that lies beside it is ever run. */
function builtIn(name) {
  const found = process.getBuiltinModule(name);
  if (found === undefined) throw new Error(`${name} is not a part of Node, nor of cutover`);
  return found;
}

/** Another text, another version of Node or another kind of machine is another file. V8 itself looks no further than the length. */
function nameOf(bytes, command) {
  return `${bytes.subarray(-17, -1).toString('latin1')}-${process.version}-${process.arch}-${command}`;
}

/**
 * V8 believes what it reads, and ends the process over a byte that is wrong: so the code stands there twice. To compare the two takes
 * no time beside loading what could count a checksum. And it is run: so nobody else may have written it.
 */
function readKept(path) {
  let descriptor;
  try {
    descriptor = fs.openSync(path, 'r');
    const { uid, mode } = fs.fstatSync(descriptor);
    if ((uid !== 0 && uid !== process.geteuid()) || (mode & 0o022) !== 0) return undefined;
    const bytes = fs.readFileSync(descriptor);
    const code = bytes.subarray(0, bytes.length / 2);
    return code.length > 0 && code.equals(bytes.subarray(code.length)) ? code : undefined;
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) fs.closeSync(descriptor);
  }
}

/** A run that may not write here is as good, and a little slower. */
function keep(path, script) {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    if (!fs.existsSync(dirname(path))) fs.mkdirSync(dirname(path));
    const descriptor = fs.openSync(temporary, 'wx', 0o644);
    const code = script.createCachedData();
    fs.writeFileSync(descriptor, Buffer.concat([code, code]));
    // A file that a power cut has torn would be worse than none.
    fs.fsyncSync(descriptor);
    fs.closeSync(descriptor);
    fs.renameSync(temporary, path);
    removeOld(dirname(path));
  } catch {
    // The next run that may will keep it.
  }
}

/** What versions before this one kept, and what was killed while it did; a version still in use keeps its code anew. */
function removeOld(folder) {
  for (const path of fs.readdirSync(folder).map((name) => join(folder, name)))
    if (fs.statSync(path).mtimeMs < Date.now() - keptForMs) fs.unlinkSync(path);
}
