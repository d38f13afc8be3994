// Makes an issue of a report: what was found, what was done, what to do next.
import { readFileSync } from 'node:fs';

const [, , file] = process.argv;
const report = JSON.parse(readFileSync(file, 'utf8'));
const lines = report.targets ? targetLines(report) : [`The recovery did not begin: ${report.error?.message}`];
console.log(lines.join('\n'));

function targetLines({ healthy, total, attempts, started_at: startedAt, targets }) {
  const tried = attempts === 0 ? '; nothing was tried' : ` after ${attempts} attempt${attempts === 1 ? '' : 's'}`;
  const head = `${healthy} of ${total} services are healthy${tried} (${startedAt}).`;
  const unwell = targets.filter(({ after }) => !after.healthy);
  return [head, ...unwell.flatMap(aboutTarget)];
}

function aboutTarget({ target, unit, after, run, findings, actions, next }) {
  return [
    '',
    `### ${target}: ${after.state}`,
    `Unit \`${unit}\`${run ? `, run \`${run}\`: \`cutover report ${target} ${run}\`` : ''}`,
    ...findings.map((text) => `- found: ${text}`),
    ...actions.map((text) => `- done: ${text}`),
    ...(next ? [`- **next: \`${next}\`**`] : []),
  ];
}
