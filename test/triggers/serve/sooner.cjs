// Of a process that does something every five minutes: it does so every 50 ms. What it does at other times stays.
const { setInterval: original } = globalThis;
globalThis.setInterval = (work, everyMs, ...more) => original(work, everyMs === 5 * 60_000 ? 50 : everyMs, ...more);
