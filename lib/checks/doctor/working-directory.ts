import { unitPathText } from '../../systemd/unit-text.ts';
import { fail, pass } from '../check.ts';
import { write } from './mend.ts';
import type { Rule } from './patient.ts';

/** With "-" in front of the path the service starts in / when the link is missing, and says that all is well. */
export const workingDirectory: Rule = {
  name: 'working_directory',
  appliesTo: ({ main }) => main.facts.workingDirectory !== null,
  ask: ({ main: { facts } }) => {
    const expected = 'without "-": a start without its build fails';
    const directory = facts.workingDirectory ?? '';
    // On the bus "-" in front of the path is a "!".
    if (!directory.startsWith('!')) return [pass(directory, expected)];
    const path = directory.slice(1);
    const line = `WorkingDirectory=${unitPathText(path)}`;
    return [fail(`WorkingDirectory=-${path}`, expected, write(facts, 'Service', line))];
  },
};
