// For --require: the signal that wakes a thread for the first directory that is read is lost, and it is told how long that took.
const promises = require('node:fs/promises');
const { readdir, stat } = promises;
const { setTimeout: sleep } = require('node:timers/promises');

promises.readdir = async (...words) => {
  promises.readdir = readdir;
  // From here on there are threads, and they sleep.
  await stat('/');
  await sleep(100);
  const began = performance.now();
  process.env.LOSE_SIGNALS = '1';
  const reading = readdir(...words);
  delete process.env.LOSE_SIGNALS;
  const names = await reading.finally(() => {
    console.error(`read after ${Math.round(performance.now() - began)} ms`);
  });
  return names;
};
