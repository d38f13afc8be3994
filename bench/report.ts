import { figureOf, show } from './figures.ts';
import { goalsOf } from './goals.ts';
import type { Results, Sample, ToolName } from './model.ts';
import { appNames, toolNames } from './model.ts';
import { differencesOf, ratiosOf, samplesOf, turnRatios } from './ratios.ts';

/** The whole document. Every figure comes from the samples. */
export function resultsText(results: Results): string {
  const { machine, rounds, rate } = results;
  const { cores, memoryGiB, kernel, node, systemd, loadBefore } = machine;
  return [
    '# What a deploy costs',
    `Measured on ${cores} cores, ${memoryGiB} GiB, Linux ${kernel}, Node ${node}, systemd ${systemd}; ${rounds} ${rounds === 1 ? 'round' : 'rounds'} in one run on one
throw-away systemd (\`lib/sandbox\`), the tools in turn within each round, and each ratio taken against the floor of the
same round. The load average before it was ${loadBefore.toFixed(1)}. Figures are medians (smallest–largest). Milliseconds differ between machines; ratios carry over.`,
    `- **floor**: unpack, \`ln -s\`, \`mv -T\`, \`systemctl restart\`, \`curl\` until it answers 200 ([floor.sh](floor.sh)).
- **cutover**: unpack, \`cutover deploy\` with the strategy \`restart\`, the tool's own start included ([cutover.sh](cutover.sh)).
- **old script**: checks, stop, looks 2 s apart until the port is free, link, start, up to 10 looks at the health 3 s apart,
  and back ([old-script.sh](old-script.sh)). Its sleeps outweigh all else, so it takes part in fewer rounds.
- **fast** and **slow**: a plain Node HTTP service, ready 40 ms and 300 ms after its exec; \`Type=simple\`, \`Restart=always\`, no SIGTERM handler.
  A build is two small files. **heavy** is as fast, and its builds weigh what a bundled program does: they carry a copy of this
  program's own \`dist/\`, 6 MB.
- Load: ${rate} new connections a second, whether or not they are answered.`,
    '## Goals',
    table(
      ['goal', 'measured', ''],
      goalsOf(results).map(({ goal, measured, isMet }) => [goal, measured, isMet ? 'met' : '**not met**']),
    ),
    '## A good build',
    goodTable(results.samples),
    '## A bad build, under load',
    `**crash** exits when it would be ready; **500** starts and answers 500 (cutover: 3 attempts, 500 ms apart). The time runs from the bad
build's exit, or its first 500, to the first answer of the old build. Floor and old script run once for each.`,
    badTable(results.samples),
    '## The tool itself',
    itselfTable(results),
    '',
  ].join('\n\n');
}

function goodTable(samples: readonly Sample[]): string {
  const head = [
    'app',
    'tool',
    'deploy, ms',
    'over the floor',
    'more than the floor, ms',
    'failed requests',
    'longest gap, ms',
    'over the floor',
    'rounds',
  ];
  return table(
    head,
    pairs((app, tool) => {
      const timed = samplesOf(samples, { app, tool, kind: 'timed' });
      const loaded = samplesOf(samples, { app, tool, kind: 'good' });
      return [
        show(figureOf(timed.map(({ ms }) => ms))),
        `${show(figureOf(ratiosOf(samples, { app, tool, kind: 'timed' }, ({ ms }) => ms)), 2)} ×`,
        show(figureOf(differencesOf(samples, { app, tool, kind: 'timed' }, ({ ms }) => ms))),
        show(figureOf(loaded.map(({ underLoad }) => underLoad?.failed ?? 0))),
        show(figureOf(loaded.map(gapOf))),
        `${show(figureOf(ratiosOf(samples, { app, tool, kind: 'good' }, gapOf)), 2)} ×`,
        `${timed.length}, under load ${loaded.length}`,
      ];
    }),
  );
}

const gapOf = ({ underLoad }: Sample): number => underLoad?.gapMs ?? 0;

function badTable(samples: readonly Sample[]): string {
  const head = [
    'app',
    'tool',
    'crash: old build back, ms',
    '… since the begin',
    '500: old build back, ms',
    '… since the begin',
    'failed requests, crash / 500',
  ];
  return table(
    head,
    pairs((app, tool) => {
      const [crash, sick] = [
        samplesOf(samples, { app, tool, kind: 'crash' }),
        samplesOf(samples, { app, tool, kind: 'sick' }),
      ];
      if (crash.length === 0) return null;
      const failed = [crash, sick].map((list) => show(figureOf(list.map(({ underLoad }) => underLoad?.failed ?? 0))));
      return [
        back(crash, 'backAfterFailureMs'),
        back(crash, 'backAfterBeginMs'),
        back(sick, 'backAfterFailureMs'),
        back(sick, 'backAfterBeginMs'),
        failed.join(' / '),
      ];
    }),
  );
}

function back(samples: readonly Sample[], from: 'backAfterFailureMs' | 'backAfterBeginMs'): string {
  const times = samples.map(({ underLoad }) => underLoad?.[from] ?? null);
  const known = times.filter((time) => time !== null);
  return known.length < times.length ? 'not within 5 s' : show(figureOf(known));
}

function itselfTable({ start, listing, targets, samples }: Results): string {
  const peaks = samples.flatMap(({ peakBytes }) => (peakBytes === null ? [] : [peakBytes / 1e6]));
  const left = samples.filter(({ leftBehind }) => leftBehind.length > 0).length;
  const over = (name: string, base: string, turns = start): string =>
    `${show(figureOf(turnRatios(turns, name, base)), 2)} ×`;
  return table(
    ['figure', 'measured', 'ratio'],
    [
      ['`node -e 0`', milliseconds(start.node), '1'],
      ['`cutover --version`', milliseconds(start.version), over('version', 'node')],
      ['`cutover status`, until it first asks somebody', milliseconds(start.asking), over('asking', 'node')],
      [
        '`cutover status`, whole: systemd, the service and the journal have answered',
        milliseconds(start.status),
        over('status', 'node'),
      ],
      ['`du --summarize` of 10 000 builds', milliseconds(listing.du), '1'],
      ['`cutover builds` of 10 000 builds', milliseconds(listing.builds), over('builds', 'du', listing)],
      ['`systemctl status` of 200 units', milliseconds(targets.systemctl), '1'],
      ['`cutover status` of 200 targets', milliseconds(targets.status), over('status', 'systemctl', targets)],
      ['peak memory of a deploy, good and bad', `${show(figureOf(peaks), 1)} MB`, ''],
      ['deploys after which a process or unit of cutover was left', `${left} of ${peaks.length}`, ''],
    ],
  );
}

const milliseconds = (values: number[] = []): string => `${show(figureOf(values))} ms`;

/** A row for each app and tool; null: nothing was measured. */
function pairs(cells: (app: string, tool: ToolName) => string[] | null): string[][] {
  return appNames.flatMap((app) =>
    toolNames.flatMap((tool) => {
      const row = cells(app, tool);
      return row ? [[app, tool, ...row]] : [];
    }),
  );
}

function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
