import { writeFile } from 'node:fs/promises';
import type { Behaviour } from '../services/builds.ts';
import type { Site, SiteOptions } from '../deploy/site.ts';

/** A way in which a build is bad, and what of a site makes it show soon. */
export interface Kind {
  behaviour: Behaviour;
  options?: Pick<SiteOptions, 'tables'>;
  /** whether it shows in `start` or only in the gate is a matter of milliseconds, so a run may have fewer moments than another */
  varies?: boolean;
  /** within so long random kills come: about as long as its deploy takes, the way back included; default 900 */
  lastsMs?: number;
  /** more than its behaviour */
  add?: (site: Site) => Promise<string>;
}

/** Bad builds of every sort. Each comes to light in its own way: in `start`, or in the gate. */
export const badKinds: Record<string, Kind> = {
  'crashes at its start': { behaviour: { mode: 'crash' }, varies: true },
  'exits with status 0': { behaviour: { mode: 'exit0' }, varies: true },
  'crashes when it was healthy': {
    lastsMs: 1200,
    // A busy deployer sees it die in `start`.
    varies: true,
    behaviour: { mode: 'crash_later', afterMs: 50 },
    options: { tables: { health: ['healthy_for = "300ms"'] } },
  },
  'never listens': {
    behaviour: { mode: 'never_listen' },
    lastsMs: 3500,
    // The good builds before and after it start under the same limit.
    options: { tables: { start: ['timeout = "6s"'] } },
  },
  'never answers': {
    lastsMs: 6500,
    behaviour: { mode: 'hang' },
    // The good ones are asked once before each run under the same limit.
    options: { tables: { health: ['attempts = 2', 'interval = "50ms"', 'timeout = "3s"'] } },
  },
  'answers 500': { behaviour: { mode: 'status' } },
  'answers the wrong body': { behaviour: { mode: 'wrong_body' } },
  'forks away': {
    behaviour: { mode: 'fork_away' },
    varies: true,
    // Its child may answer before it ends itself.
    options: { tables: { health: ['healthy_for = "600ms"'] } },
  },
  'finds its port taken': { behaviour: {}, varies: true, add: addRobbed },
};

const bringThief = `systemd-run --quiet --collect ${process.execPath} "$(pwd -P)/thief.mjs" \${PORT}`;
const isTaken = '(exec 3<>/dev/tcp/127.0.0.1/${PORT})';
const isThere = 'pgrep --full "$(dirname "$(pwd -P)")/.*/thief.mjs" >/dev/null';
/**
 * The lines of a unit that let a build bring a thief: it takes the port before the build can. A build without one starts
 * when the thief is gone, who may see late that the link leads elsewhere.
 */
export const letsThievesIn = [
  `ExecStartPre=-/bin/bash -c 'exec 2>/dev/null; if test -e thief.mjs; then ${bringThief} && until ${isTaken}; do sleep 0.01; done; else while ${isThere}; do sleep 0.01; done; fi'`,
];

/** Adds a build that is good, but whose port somebody else has until `current` leads elsewhere. */
async function addRobbed(site: Site): Promise<string> {
  const { sandbox, builds } = site;
  const build = await site.add();
  const thief = `import { readlinkSync } from 'node:fs';
import { createServer } from 'node:http';
const isWanted = () => readlinkSync('${builds}/current') === '${build}';
isWanted() || process.exit();
createServer((request, response) => response.end('{"status":"healthy"}')).listen(Number(process.argv[2]));
setInterval(() => isWanted() || process.exit(), 2);
`;
  await writeFile(sandbox.hostPath(`${builds}/${build}/thief.mjs`), thief);
  return build;
}
