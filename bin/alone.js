// The head of dist/cutover.cjs, which is all that a server needs beside Node: it may lie anywhere, under any name, as a module
// of either kind; and a link to it that has one of the old names is that executable.
const { run } = require('./load.js');

const { realpathSync } = process.getBuiltinModule('node:fs');
const { basename, join } = process.getBuiltinModule('node:path');
const oldNames = new Set(['pre-deployment-check', 'safe-deploy', 'deploy-with-zero-downtime']);

const [, called] = process.argv;
const file = realpathSync(called);
const name = basename(called);
// systemd calls the file itself to have a run settled; under a name that means another command it could not.
const tool = oldNames.has(name) && name !== basename(file) ? name : 'cutover';
run(tool, { file, executable: file, installation: file, compiled: compiledFolder() });

/** Null where nothing tells whose folder it would be: a name without a place could be one that a stranger made. */
function compiledFolder() {
  const { XDG_CACHE_HOME = '', HOME = '' } = process.env;
  const own = XDG_CACHE_HOME.startsWith('/') ? XDG_CACHE_HOME : join(HOME, '.cache');
  const folder = process.geteuid() === 0 ? '/var/cache' : own;
  return folder.startsWith('/') ? join(folder, 'cutover/compiled') : null;
}
