import type { HookConfig } from '../model.ts';
import { Problems } from '../problems.ts';
import { readTable } from '../read.ts';
import type { Table } from '../schema/table.ts';
import { absolutePath } from './path.ts';
import { wait } from './quantity.ts';
import { text } from './text.ts';
import { isTable, type ValueType, WrongValue, wrong } from './value-type.ts';

/** A line for the shell, or a command as a list that no shell sees. */
export const commandLine: ValueType<HookConfig['run']> = {
  name: 'a shell command, or a list of a file and its arguments',
  parse(value, path) {
    if (!Array.isArray(value)) return { shell: text.parse(value, path) };
    const [file, ...args] = value;
    if (typeof file !== 'string' || file === '' || args.some((arg) => typeof arg !== 'string')) {
      throw wrong(path, 'not a command', value, this.name);
    }
    return { command: [file, ...args] };
  },
  format: (value) => ('shell' in value ? value.shell : value.command),
  jsonSchema: {
    anyOf: [
      { type: 'string', pattern: '\\S' },
      { type: 'array', minItems: 1, items: { type: 'string' } },
    ],
  },
};

/** The keys of a hook that is written as a table. */
export const hookTable: Table = {
  sentence: 'A hook that needs more than a command is a table with these keys.',
  rows: [
    { key: 'run', type: commandLine, required: true, sentence: 'What to run.', example: ['npm', 'test'] },
    {
      key: 'timeout',
      field: 'timeoutMs',
      type: wait(),
      default: '10min',
      sentence: 'After this long the hook has failed, and is ended with all that it started.',
      example: '10min',
    },
    {
      key: 'dir',
      type: absolutePath,
      default: null,
      defaultText: 'the build',
      sentence:
        'Where it runs; fetch, test and build, which come before there is a build, run in the builds directory, and test and build after a git push in a checkout of the pushed commit.',
      example: '/srv/app/repo',
    },
    {
      key: 'user',
      type: text,
      default: null,
      defaultText: 'the user of cutover',
      sentence: 'As whom it runs.',
      example: 'app',
    },
    {
      key: 'fallback',
      type: commandLine,
      default: null,
      sentence: 'What to run when it fails; the hook has failed only when this fails too.',
      example: 'npm run migrate:baseline',
    },
  ],
};

/** A hook: a command alone, or a table. */
export const hook: ValueType<HookConfig> = {
  name: 'a shell command, or a table such as { run = ["npm", "test"], timeout = "10min" }',
  parse(value, path) {
    if (typeof value !== 'string' && !isTable(value)) throw wrong(path, 'wrong kind of value', value, this.name);
    const problems = new Problems();
    const source = { path, value: isTable(value) ? value : { run: value } };
    const read = readTable(hookTable, [source], { problems, complete: true, secrets: [] });
    if (problems.lines.length > 0) throw new WrongValue(problems.lines);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- built from rows, which carry no types of fields
    return read as unknown as HookConfig;
  },
  format(value) {
    const fields: Record<string, unknown> = { ...value };
    const given = hookTable.rows.flatMap(({ key, field, type, default: unset }): [string, unknown][] => {
      const own = fields[field ?? key];
      const written = own === null ? null : type.format(own);
      return written === unset ? [] : [[key, written]];
    });
    return given.length === 1 && 'shell' in value.run ? value.run.shell : Object.fromEntries(given);
  },
  jsonSchema: {
    anyOf: [
      { type: 'string', pattern: '\\S' },
      {
        type: 'object',
        properties: Object.fromEntries(hookTable.rows.map(({ key, type }) => [key, type.jsonSchema])),
        patternProperties: { '^x-': true },
        additionalProperties: false,
        required: ['run'],
      },
    ],
  },
};
