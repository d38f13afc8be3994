// Loaded before the deployer (`node --require`): leaves the most memory that this process ever held, as the kernel counted it.
const { readFileSync, writeFileSync } = require('node:fs');

process.on('exit', () => {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  writeFileSync(process.env.PEAK_FILE, String(Number(kilobytes) * 1024));
});
