import type { LimitsConfig, ManagerKind } from '../config/model.ts';
import type { UnitFacts } from '../systemd/facts.ts';
import { isJournalHidden } from '../systemd/journal.ts';
import { areHidden } from '../systemd/sockets.ts';
import { nameOfSelf } from '../systemd/typed.ts';
import { cpuWindowMs } from './limits.ts';

/** What is known about why a limit may not be judged. */
export interface Unjudged {
  limits: LimitsConfig;
  manager: ManagerKind;
  signal?: AbortSignal;
}

/** The limits that are configured and cannot be judged, since systemd does not measure what they are about: a sentence each. */
export function unmeasured(
  facts: Pick<UnitFacts, 'unit' | 'subState' | 'memoryBytes' | 'cpuNs'>,
  about: Unjudged,
): string[] {
  const { limits, manager } = about;
  const own = manager === 'user';
  const memory = [
    ...(limits.memoryBytes === null ? [] : ['limits.memory']),
    ...(limits.memorySpike > 0 ? ['limits.memory_spike'] : []),
  ];
  const notes: string[] = [];
  if (facts.memoryBytes === null && memory.length > 0) {
    const off = own
      ? "the user's manager has no memory controller (Delegate= of user@.service)"
      : 'MemoryAccounting= is off';
    const why = facts.subState === 'exited' ? 'its command has ended' : off;
    notes.push(`the memory of ${facts.unit} is not measured, so ${memory.join(' and ')} cannot be judged: ${why}`);
  }
  if (facts.cpuNs === null && limits.cpuPercent !== null) {
    const why = own ? "CPUAccounting= is off, or the user's manager has no cpu controller" : 'CPUAccounting= is off';
    notes.push(`the processor time of ${facts.unit} is not measured, so limits.cpu cannot be judged: ${why}`);
  }
  return notes;
}

/** A gate that was over before a load can be told from a start-up's burst; null when it was not. */
export function tooShortForCpu({ cpuPercent }: LimitsConfig, elapsedMs: number): string | null {
  if (cpuPercent === null || elapsedMs >= cpuWindowMs) return null;
  const took = `the gate was over in less than ${cpuWindowMs / 1000} s`;
  return `limits.cpu was not judged, since ${took}: set health.healthy_for = "${cpuWindowMs / 1000}s" or more`;
}

/** Why it is believed, and not proven, which build runs and who has its ports open: this user may not look. Null: he may. */
export function unseenProcess({ unit, mainPid }: Pick<UnitFacts, 'unit' | 'mainPid'>): string | null {
  if (mainPid === 0 || !areHidden([mainPid])) return null;
  const believed = 'its build is taken from current, and whatever of its user has the port open for its own';
  return `${nameOfSelf()} may not look into the processes of ${unit}: ${believed}; root or that user sees which it is`;
}

/** Why errors in the journal of a unit that was started do not count: this user may not read them. Null: he may. */
export async function unseenJournal(unit: string, { limits, manager, signal }: Unjudged): Promise<string | null> {
  if (limits.journalErrors < 0 && limits.journalPattern === null) return null;
  if (!(await isJournalHidden({ manager, unit, signal }))) return null;
  const user = nameOfSelf();
  const mend =
    process.getuid?.() === 0
      ? 'see Storage= in journald.conf(5)'
      : `sudo usermod -aG systemd-journal ${user}, then log in anew`;
  return `${user} sees nothing of ${unit} in the journal, so errors in it cannot be judged: ${mend}`;
}
