import type { Outcome } from '../run/document.ts';

/** A build that the demo makes. */
export interface DemoBuild {
  letter: string;
  /** why it is a bad one */
  fault?: 'crashes' | 'unhealthy';
  /** how long it takes from its exec until it listens, or crashes; default: as long as Node takes */
  startMs?: number;
  /** the end of "a build that …" */
  what: string;
}

/** One thing that is tried: what is put in place, the command, and how it has to end. */
export interface Act {
  name: string;
  title: string;
  /** made just before; it is then the newest */
  build?: DemoBuild;
  args: readonly string[];
  stranger?: 'comes' | 'goes';
  /** nothing served before, so there is nothing that a client could miss */
  isFirst?: boolean;
  expected: { outcome: Outcome; exitCode: number };
}

/** The letter under which the process that takes the port answers. */
export const strangerLetter = 'X';

const deploy = ['deploy', 'production'];
const done = { outcome: 'deployed', exitCode: 0 } as const;
const tookBack = { outcome: 'rolled_back', exitCode: 4 } as const;

/** What the demo shows, in this order. */
export const acts: readonly Act[] = [
  {
    name: 'first deploy',
    title: 'Build A is the first; nothing serves yet',
    build: { letter: 'A', what: 'is good' },
    args: deploy,
    isFirst: true,
    expected: done,
  },
  {
    name: 'good build',
    title: 'Build B is good: B takes over from A',
    build: { letter: 'B', what: 'is good' },
    args: deploy,
    expected: done,
  },
  {
    name: 'crashes at start',
    title: 'Build C crashes as soon as it is started',
    build: { letter: 'C', fault: 'crashes', what: 'crashes when it is started' },
    args: deploy,
    expected: tookBack,
  },
  {
    name: 'health says 500',
    title: 'Build D starts and listens, but answers 500 to everything',
    build: { letter: 'D', fault: 'unhealthy', what: 'answers 500' },
    args: deploy,
    expected: tookBack,
  },
  {
    name: 'port is taken',
    title: 'Build E is good, but a stranger takes the port and answers 200',
    // On a busy machine, too, the stranger is there first.
    build: { letter: 'E', startMs: 400, what: 'is good, but finds its port taken at first' },
    args: deploy,
    stranger: 'comes',
    expected: { outcome: 'failed', exitCode: 3 },
  },
  {
    name: 'repair',
    title: 'A person ends the stranger, then repairs the service with E',
    args: [...deploy, '--fix-forward'],
    stranger: 'goes',
    expected: done,
  },
  {
    name: 'rollback',
    title: 'A person does not like E and goes back by hand',
    args: ['rollback', 'production'],
    expected: done,
  },
];
