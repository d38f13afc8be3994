import { unitPathText } from '../systemd/unit-text.ts';
import type { DemoBuild } from './acts.ts';
import type { SideStrategy } from './document.ts';
import type { Ground } from './ground.ts';

/** One of the two services that are shown beside each other; its target is called like its strategy. */
export interface Side {
  strategy: SideStrategy;
  unit: string;
  builds: string;
  port: number;
}

export const besideTitle = 'Side by side: a build that crashes, then a good one';

const strategies = ['restart', 'overlap'] as const;

/** Both services, as they are there. */
export function sidesOn({ place, unit, ports }: Pick<Ground, 'place' | 'unit' | 'ports'>): Side[] {
  return strategies.map((strategy, index) => ({
    strategy,
    unit: unit(`shop-${strategy}.service`),
    builds: place(`/srv/shop/${strategy}`),
    port: ports[1 + index] ?? 0,
  }));
}

/** The socket unit of the side whose port never closes. */
export function socketOf({ unit }: Side): string {
  return unit.replace(/\.service$/, '.socket');
}

/** Long enough to be seen in a picture whose columns are of some 50 ms. */
const startMs = 200;

/** Serves on both sides when the act begins. */
export const firstSideBuild: DemoBuild = { letter: 'F', what: 'is good', startMs };

/** What is deployed on both sides at once, one after the other. */
export const triedSideBuilds: readonly DemoBuild[] = [
  { letter: 'G', fault: 'crashes', what: 'crashes when it is started', startMs },
  { letter: 'H', what: 'is good', startMs },
];

/** The units of both sides, by their file names. */
export function sideUnits(sides: readonly Side[]): [name: string, text: string][] {
  return sides.flatMap((side): [string, string][] => {
    const { strategy, unit, port } = side;
    const builds = unitPathText(side.builds);
    const own = `WorkingDirectory=${builds}/current\nRestart=on-failure\nRestartSec=2s\n`;
    if (strategy === 'restart') return [[unit, `[Service]\nEnvironment=PORT=${port}\n${service}${own}`]];
    const name = unit.replace(/\.service$/, '');
    const behind = '[Unit]\nStartLimitIntervalSec=0\n';
    return [
      [`${name}.socket`, `[Socket]\nListenStream=127.0.0.1:${port}\nBacklog=4096\nTriggerLimitIntervalSec=0\n`],
      [unit, `${behind}Requires=${name}.socket\nAfter=${name}.socket\n[Service]\n${service}${own}`],
      [
        `${name}-next@.service`,
        `${behind}[Service]\n${service}Sockets=${name}.socket\nWorkingDirectory=${builds}/%i\nRestart=no\n`,
      ],
    ];
  });
}

const service = `Type=exec
ExecStart=${process.execPath} server.mjs
NonBlocking=yes
KillMode=mixed
TimeoutStopSec=10s
`;

/** The targets of both sides. */
export function sideConfigs(sides: readonly Side[]): string {
  return sides.map(sideConfig).join('');
}

function sideConfig({ strategy, unit, builds, port }: Side): string {
  return `
[targets.${strategy}]
unit = "${unit}"
builds = ${JSON.stringify(builds)}
strategy = "${strategy}"
port = ${port}

[targets.${strategy}.health]
url = "http://127.0.0.1:${port}/health"
`;
}
