import { integer, number } from '../values/number.ts';
import { pattern } from '../values/pattern.ts';
import { amount, processorShare, size } from '../values/quantity.ts';
import type { Table } from './table.ts';

export const limitsTable: Table = {
  sentence: 'What the machine must have left before a deploy, and what the candidate may use.',
  rows: [
    {
      key: 'disk_used',
      type: amount,
      default: '80%',
      sentence: 'A deploy is refused when more than this is used of the file system of the builds or of the state.',
      example: '90%',
    },
    {
      key: 'memory_available',
      type: amount,
      default: '500M',
      sentence: 'A deploy is refused when less memory than this is available.',
      example: '10%',
    },
    {
      key: 'memory',
      field: 'memoryBytes',
      type: size,
      default: null,
      defaultText: "90 % of the unit's MemoryMax= where that is set",
      sentence: 'The most memory the unit may use, without the files that the kernel keeps at hand for it.',
      example: '512M',
    },
    {
      key: 'memory_spike',
      type: number({ min: 0 }),
      default: 3,
      sentence: "The most memory in multiples of the previous build's level; 0 is off, below 64M it does not count.",
      example: 2.5,
    },
    {
      key: 'cpu',
      field: 'cpuPercent',
      type: processorShare,
      default: null,
      defaultText: 'off',
      sentence: "The most processor time over the gate's time; 100% is one whole processor.",
      example: '200%',
    },
    {
      key: 'journal_errors',
      type: integer({ min: -1 }),
      default: 0,
      sentence: 'How many journal entries of priority err or worse are allowed since the start; -1 is off.',
      example: 2,
    },
    {
      key: 'journal_pattern',
      type: pattern,
      default: null,
      sentence:
        "A regular expression that must not appear in the unit's journal since the start; each look reads the newest 5 000 entries, 16 MB at most.",
      example: 'UnhandledPromiseRejection',
    },
  ],
};
