import { readdirSync, readFileSync } from 'node:fs';
import { sleep } from './wait.ts';

/** A live process, as `/proc/PID/stat` has it (proc_pid_stat(5)). */
interface Member {
  pid: number;
  parent: number;
  group: number;
  session: number;
  /** clock ticks from boot to its start: with the pid it names the process for good */
  startTicks: number;
}

/** The processes that one started process leads, wherever its children moved themselves. */
export interface ProcessTree {
  /** The processes that live now: of its session, of its group, its descendants, and who was one before. */
  members(): number[];
  /**
   * Asks all of them to end, and kills what is still there after `graceMs`.
   * @returns who could not be ended, as a program that runs as another user
   */
  end(graceMs: number): Promise<number[]>;
}

const pollMs = 25;
/** A killed process takes a moment to go; one in the kernel's hands (state D) may never. */
const killedMs = 2_000;

/** @param leader a process that leads a session of its own */
export function treeOf(leader: number): ProcessTree {
  // Who leaves the group and then loses its parent could not be told from a stranger any more.
  const known = new Map<number, number>();
  const members = (): number[] => {
    const found = membersOf(leader, known);
    known.clear();
    for (const { pid, startTicks } of found) known.set(pid, startTicks);
    return found.map(({ pid }) => pid);
  };
  return {
    members,
    async end(graceMs) {
      const asked = members();
      if (asked.length === 0) return [];
      for (const pid of withoutRelay(asked, leader)) signalProcess(pid, 'SIGTERM');
      const stubborn = await untilGone(members, graceMs);
      return stubborn.length === 0 ? [] : killAll(members);
    },
  };
}

/** @returns who is still there after that time */
async function untilGone(members: () => number[], withinMs: number): Promise<number[]> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    // The clock first: after a standstill of the machine a look from before it would tell of processes that are gone.
    const isLast = performance.now() > deadline;
    const left = members();
    if (left.length === 0 || isLast) return left;
    await sleep(pollMs);
  }
}

/** Whoever forks faster than one look: again, until none is left. */
async function killAll(members: () => number[]): Promise<number[]> {
  const deadline = performance.now() + killedMs;
  let left = members();
  while (left.length > 0 && performance.now() < deadline) {
    for (const pid of left) signalProcess(pid, 'SIGKILL');
    left = await untilGone(members, pollMs);
  }
  return left;
}

/** A leader that waits for the others (timeout(1)) would pass the signal on, and some programs count how often they are asked. */
function withoutRelay(pids: readonly number[], leader: number): readonly number[] {
  const others = pids.filter((pid) => pid !== leader);
  return others.length > 0 ? others : pids;
}

/** It may be gone by now, or not be ours to end. */
function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    return;
  }
}

function membersOf(leader: number, known: ReadonlyMap<number, number>): Member[] {
  const all = readProcesses();
  const inside = new Set<number>([leader]);
  for (const { pid, group, session, startTicks } of all) {
    if (group === leader || session === leader || known.get(pid) === startTicks) inside.add(pid);
  }
  for (let before = 0; before !== inside.size; ) {
    before = inside.size;
    for (const { pid, parent } of all) if (inside.has(parent)) inside.add(pid);
  }
  return all.filter(({ pid }) => inside.has(pid));
}

function readProcesses(): Member[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((name) => readMember(Number(name)) ?? []);
}

function readMember(pid: number): Member | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Behind the name, which may hold anything, come state, parent, group, session; the start time is field 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state = 'X', parent, group, session] = fields;
    if ('ZX'.includes(state)) return null;
    const startTicks = Number(fields[22 - 3]);
    return { pid, parent: Number(parent), group: Number(group), session: Number(session), startTicks };
  } catch {
    return null;
  }
}
