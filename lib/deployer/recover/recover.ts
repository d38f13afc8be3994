import { atMost, looksAtOnce } from '../../base/at-most.ts';
import { CutoverError, ExitCode } from '../../base/errors.ts';
import { sleep } from '../../base/wait.ts';
import type { Config, TargetConfig } from '../../config/model.ts';
import { type RecoveryReport, recoveryReport, type TargetRecovery } from '../../report/recovery-report.ts';
import { targetNamed } from '../place.ts';
import type { Attempt } from './attempt.ts';
import type { Look } from './look.ts';

/** What holds without a table [recovery]: the same as in an empty one. */
export const usualRecovery: NonNullable<Config['recovery']> = {
  attempts: 3,
  delayMs: 30_000,
  quorum: 0.66,
  phases: null,
};

/** Who looks at a target, and who tries to bring it back: a process of its own for each, since a run has its process to itself. */
export interface RecoveryHands {
  look: (target: TargetConfig) => Promise<Look>;
  attempt: (target: TargetConfig, options: { isLast: boolean }) => Promise<Attempt>;
  /** told before the pause between two rounds */
  onPause: (left: string[], delayMs: number) => void;
}

export interface RecoveryRequest {
  /** in their phases: those of one phase at once, one phase after the other */
  phases: TargetConfig[][];
  recovery: NonNullable<Config['recovery']>;
  /** look, and change nothing */
  isLookOnly: boolean;
  signal: AbortSignal;
}

/**
 * The targets to recover, in their phases; those that no phase names come last.
 * @param names none: all of them
 * @throws `usage` naming the known targets
 */
export function phasesOf(config: Config, names: readonly string[]): TargetConfig[][] {
  const asked = new Set(names.map((name) => targetNamed(config, name).name));
  const all = Object.keys(config.targets);
  const named = config.recovery?.phases ?? [];
  const rest = all.filter((name) => !named.flat().includes(name));
  return [...named, rest]
    .map((phase) => phase.filter((name) => asked.size === 0 || asked.has(name)))
    .filter((phase) => phase.length > 0)
    .map((phase) => phase.map((name) => targetNamed(config, name)));
}

/**
 * Brings unhealthy services back (R1, R2): in rounds over the phases, until all are healthy or the attempts are used up. Who
 * does not come back keeps nobody else waiting. An interruption ends it after the attempts that are under way.
 * @throws `interrupted` when nothing was tried by then
 */
export async function recover(request: RecoveryRequest, hands: RecoveryHands): Promise<RecoveryReport> {
  const startedMs = Date.now();
  const { phases, recovery, isLookOnly, signal } = request;
  const cases = new Map<string, Case>();
  const attempts = isLookOnly ? 0 : await inRounds(request, hands, cases);
  if (signal.aborted && !isLookOnly && [...cases.values()].every(({ tried }) => tried.length === 0)) {
    throw new CutoverError('interrupted', 'interrupted before anything was tried', { cause: signal.reason });
  }
  const targets = await atMost(looksAtOnce, phases.flat(), async (target) =>
    told(target, await hands.look(target), cases.get(target.name)),
  );
  const { quorum } = recovery;
  const exitCodes = { reached: ExitCode.done, missed: ExitCode.failed };
  return recoveryReport(targets, { quorum, attempts, startedMs }, exitCodes);
}

/** A target's way through the rounds. */
interface Case {
  tried: Attempt[];
  isDone: boolean;
}

/** @returns how many rounds there were */
async function inRounds(
  { phases, recovery: { attempts, delayMs }, signal }: RecoveryRequest,
  hands: RecoveryHands,
  cases: Map<string, Case>,
): Promise<number> {
  const left = (): TargetConfig[] => phases.flat().filter(({ name }) => !cases.get(name)?.isDone);
  for (let round = 1; ; round += 1) {
    for (const phase of phases) {
      if (signal.aborted) return round;
      const unwell = phase.filter(({ name }) => !cases.get(name)?.isDone);
      await Promise.all(unwell.map((target) => tryOnce(target, hands, { cases, isLast: round === attempts, signal })));
    }
    if (left().length === 0 || round >= attempts || signal.aborted) return round;
    hands.onPause(
      left().map(({ name }) => name),
      delayMs,
    );
    await sleep(delayMs, signal).catch(() => {});
    if (signal.aborted) return round;
  }
}

async function tryOnce(
  target: TargetConfig,
  hands: RecoveryHands,
  { cases, isLast, signal }: { cases: Map<string, Case>; isLast: boolean; signal: AbortSignal },
): Promise<void> {
  const own = cases.get(target.name) ?? { tried: [], isDone: false };
  cases.set(target.name, own);
  if ((await hands.look(target)).glance.healthy) {
    own.isDone = true;
    return;
  }
  if (signal.aborted) return;
  const tried = await hands.attempt(target, { isLast });
  own.tried.push(tried);
  own.isDone = tried.after.healthy || tried.isHopeless;
}

/** What became of a target, by how it stands now. */
function told({ name, unit }: TargetConfig, { glance, ...now }: Look, own: Case | undefined): TargetRecovery {
  const tried = own?.tried ?? [];
  const numbered = (texts: string[], index: number): string[] =>
    tried.length === 1 ? texts : texts.map((text) => `attempt ${index + 1}: ${text}`);
  const last = tried.at(-1);
  const usual = tried.length === 0 ? `cutover recover ${name}` : `cutover logs ${name} --unit`;
  // What was found before the first attempt and still holds is not found anew.
  const found = tried.length === 0 || !glance.healthy ? now.findings : [];
  return {
    target: name,
    unit,
    before: tried[0]?.before ?? glance,
    after: glance,
    findings: [...new Set([...tried.flatMap(({ findings }) => findings), ...found])],
    actions: tried.flatMap(({ actions }, index) => numbered(actions, index)),
    next: glance.healthy ? now.next : (last?.next ?? now.next ?? usual),
    run: tried.findLast(({ run }) => run !== null)?.run ?? null,
    duration_ms: tried.reduce((sum, { duration_ms }) => sum + duration_ms, 0),
  };
}
