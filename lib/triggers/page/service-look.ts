import { messageOf } from '../../base/errors.ts';
import type { Redact } from '../../base/redactor.ts';
import { withDeadline } from '../../base/wait.ts';
import { probe } from '../../checks/probe.ts';
import type { TargetConfig } from '../../config/model.ts';
import { servingBuild } from '../../deploy/identity.ts';
import { look, type Look, type LookPlace } from '../../deployer/recover/look.ts';
import type { HealthSample, ShownHealth, ShownUnit } from '../../report/page/model.ts';
import type { Seen } from '../../report/page/standing.ts';
import { isUp, type UnitFacts } from '../../systemd/facts.ts';

/** A service as one look sees it. */
export interface ServiceLook {
  seen: Omit<Seen, 'moved'>;
  /** what `current` named then, and what a healthy service ran from */
  build: { current: string | null; serving: string | null };
  unit: ShownUnit | null;
  answers: ShownHealth['answers'];
  /** null: there is nothing to ask */
  sample: HealthSample | null;
}

const noBuild = { current: null, serving: null };
/** A bus that does not answer must not keep the rest of the page waiting. */
const lookMs = 10_000;
/** A gate may wait longer for an answer; whoever looks wants to see that there is none. */
const mostAnswerMs = 5_000;

/** Looks at unit, ports and build, and asks the health addresses. What cannot be found out is told. */
export async function lookAtService(place: LookPlace, redact: Redact): Promise<ServiceLook> {
  const [unitLook, asked] = await Promise.all([lookAtUnit(place), askHealth(place)]);
  const { facts, seen, build } = unitLook;
  const problems = asked.answers.flatMap(({ url, problem }) => (problem === null ? [] : [`${url}: ${problem}`]));
  // Where systemd says that it is down, that nobody answers is no news.
  const isNews = facts !== null && isUp(facts);
  const service = seen.service && [...seen.service, ...(isNews ? problems : [])];
  return {
    seen: { ...seen, service: service && service.map(redact), notes: seen.notes.map(redact) },
    build,
    unit: facts && unitOf(facts),
    answers: asked.answers.map((one) => ({
      ...one,
      url: redact(one.url),
      problem: one.problem && redact(one.problem),
    })),
    sample: asked.sample,
  };
}

async function lookAtUnit(
  place: LookPlace,
): Promise<Pick<ServiceLook, 'seen' | 'build'> & { facts: UnitFacts | null }> {
  const { target, signal } = place;
  const bounds = { what: `${target.unit} could not be looked at`, timeoutMs: lookMs, signal };
  // The addresses are asked here, with the time that each took.
  const silent: TargetConfig = { ...target, health: { ...target.health, urls: [] } };
  try {
    const { glance, findings, facts, next, build } = await withDeadline(bounds, async (ended) => {
      const found = await look({ ...place, target: silent, signal: ended });
      return { ...found, build: await buildOf(found, target) };
    });
    const seen = glance.healthy ? { service: [], notes: findings, next } : { service: findings, notes: [], next };
    return { facts, seen, build };
  } catch (error) {
    signal.throwIfAborted();
    return { facts: null, seen: { service: null, notes: [messageOf(error)], next: null }, build: noBuild };
  }
}

/** A link that was moved by hand leaves the build before serving, healthy as it is. */
async function buildOf({ glance, facts, current }: Look, target: TargetConfig): Promise<ServiceLook['build']> {
  const isAsked = glance.healthy && target.health.identity && current !== null;
  const serving = isAsked ? await servingBuild(target.builds, facts, current).catch(() => current) : current;
  return { current, serving };
}

async function askHealth({ target: { health }, signal }: LookPlace): Promise<Pick<ServiceLook, 'answers' | 'sample'>> {
  const at = new Date().toISOString();
  const expectation = { ...health, timeoutMs: Math.min(health.timeoutMs, mostAnswerMs) };
  const found = await Promise.all(health.urls.map((url) => probe(url, expectation, signal)));
  const answers = found.map(({ url, status, problem, durationMs }) => {
    return { url, status, problem, response_ms: Math.round(durationMs * 10) / 10 };
  });
  if (answers.length === 0) return { answers, sample: null };
  const ok = answers.every(({ problem }) => problem === null);
  return { answers, sample: { at, ok, response_ms: Math.max(...answers.map(({ response_ms }) => response_ms)) } };
}

function unitOf(facts: UnitFacts): ShownUnit {
  const { activeState, subState, loadState, stateChangedMs, mainPid, restarts, memoryBytes, memoryMaxBytes } = facts;
  return {
    state: loadState === 'loaded' ? activeState : loadState,
    sub_state: subState,
    since: stateChangedMs > 0 ? new Date(stateChangedMs).toISOString() : null,
    main_pid: mainPid || null,
    restarts,
    memory_bytes: memoryBytes,
    memory_max_bytes: memoryMaxBytes,
  };
}
