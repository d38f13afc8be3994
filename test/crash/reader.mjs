// Looks at `current` links over and over until SIGTERM, and tells how often, and what was wrong with them.
import { readlinkSync, statSync, writeFileSync } from 'node:fs';

letOthersFirst();
const links = process.argv.slice(2);
const wrong = new Map();
let looks = 0;
let isOver = false;
process.on('SIGTERM', () => (isOver = true));
console.log('looking');
lookOnAndOn();

// Linux shares processors between sessions first, and `nice` counts only within one (sched(7), "The autogroup feature").
function letOthersFirst() {
  try {
    writeFileSync('/proc/self/autogroup', '19');
  } catch {
    // Then there are no such groups, and `nice` is enough.
  }
}

function lookOnAndOn() {
  // Many looks a turn: what comes between two turns is only the signal.
  for (let look = 0; look < 500; look += 1) lookAt(links[look % links.length]);
  if (!isOver) setImmediate(lookOnAndOn);
  else console.log(JSON.stringify({ looks, wrong: Object.fromEntries(wrong) }));
}

function lookAt(link) {
  looks += 1;
  try {
    const destination = readlinkSync(link);
    if (!/^dist\.\d{8}-\d{6}(-\d+)?$/.test(destination)) count(`${link} leads to ${destination}`);
    if (!statSync(`${link}/`).isDirectory()) count(`${link} leads to no directory`);
  } catch (error) {
    count(error.message);
  }
}

function count(problem) {
  wrong.set(problem, (wrong.get(problem) ?? 0) + 1);
}
