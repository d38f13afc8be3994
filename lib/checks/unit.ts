import { hasGivenUp, isActive, type UnitFacts } from '../systemd/facts.ts';
import { journalctl, systemctl } from '../systemd/typed.ts';
import { type Answer, fail, pass, warn } from './check.ts';

/** S1: the unit exists, is loaded, and is not failed. `isFirst`: nothing was deployed yet, so nothing need run. */
export function askUnit(facts: UnitFacts, { isFirst }: { isFirst: boolean }): Answer {
  const { unit, manager, activeState, subState } = facts;
  const expected = 'active (running)';
  const loaded = askLoaded(facts);
  if (loaded) return loaded;
  const observed = `${activeState} (${subState})`;
  if (isFirst) return pass(observed, 'loaded');
  if (isActive(activeState)) return pass(observed, expected);
  // A start that fails is tried again by systemd, so another one helps nobody.
  if (activeState === 'failed' || activeState === 'activating') {
    return fail(
      activeState === 'failed' ? `failed: ${facts.result}` : observed,
      expected,
      `${journalctl(manager, unit)}, then cutover rollback or cutover deploy --fix-forward`,
    );
  }
  return fail(observed, expected, `${systemctl(manager, `start ${unit}`)}, or cutover deploy --fix-forward`);
}

function askLoaded({ unit, manager, loadState, loadError }: UnitFacts): Answer | null {
  const expected = 'a loaded unit';
  if (loadState === 'loaded') return null;
  if (loadState === 'masked') return fail('masked', expected, systemctl(manager, `unmask ${unit}`));
  if (loadState === 'not-found') return fail('no such unit', expected, systemctl(manager, `list-unit-files '${unit}'`));
  return fail(
    `${loadState}${loadError ? `: ${loadError}` : ''}`,
    expected,
    `systemd-analyze ${manager === 'user' ? '--user ' : ''}verify ${unit}`,
  );
}

/**
 * S12: what systemd has in memory is what stands in the unit file, and under that name: it signals, and names processes, by a unit's
 * own name alone. A deploy reloads by itself.
 */
export function askUnitFile(facts: UnitFacts): Answer {
  const expected = 'systemd knows the unit file as it is on the disk';
  if (facts.loadState !== 'loaded')
    return fail(facts.loadState, expected, systemctl(facts.manager, `status ${facts.unit}`));
  if (facts.id !== facts.unit)
    return fail(
      `${facts.unit} is an alias of ${facts.id}`,
      "the unit's own name",
      `unit = "${facts.id}" in the configuration`,
    );
  if (facts.needDaemonReload) {
    return warn(
      'the unit file changed on the disk',
      expected,
      `${systemctl(facts.manager, 'daemon-reload')} (a deploy does it by itself)`,
    );
  }
  return pass(facts.fragmentPath ?? 'loaded', expected);
}

/** S1: the restart limit is not used up, so that a start will be obeyed. */
export function askRestartLimit(facts: UnitFacts, nowMs: number): Answer {
  const { unit, manager, restarts, startLimitBurst: burst, startLimitIntervalMs: intervalMs } = facts;
  const expected =
    burst > 0 && intervalMs > 0 ? `fewer than ${burst} restarts in ${intervalMs / 1000} s` : 'no limit set';
  const observed = `${restarts} restart${restarts === 1 ? '' : 's'}`;
  const mend = `${systemctl(manager, `reset-failed ${unit}`)}, after reading ${journalctl(manager, unit)}`;
  if (facts.result === 'start-limit-hit') return fail('start limit hit', expected, mend);
  if (hasGivenUp(facts)) return fail(`gave up after ${observed}`, expected, mend);
  const isRecent = nowMs - facts.stateChangedMs < intervalMs;
  if (burst > 0 && restarts >= burst && isRecent) return fail(observed, expected, mend);
  return pass(observed, expected);
}
