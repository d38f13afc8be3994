import * as assert from 'uvu/assert';
import { restartPlan } from '../../lib/deploy/restart.ts';
import type { PlanTools } from '../../lib/deploy/strategy.ts';
import type { Systemd } from '../../lib/systemd/systemd.ts';
import { inputsOf } from '../run/samples.ts';
import { suite, type TestContext } from '../suite.ts';

const test = suite('deploy/ready-start');
const running: Record<string, unknown> = { ActiveState: 'active', SubState: 'running', MainPID: 7, Type: 'exec' };

/** A manager that is asked in vain so often whether it has read the unit's file, and then has not; and what it was told to do. */
function managerThatMisses(times: number): { systemd: Systemd; told: string[] } {
  const told: string[] = [];
  let left = times;
  const note = (what: string, answer?: unknown): Promise<unknown> => {
    told.push(what);
    return Promise.resolve(answer);
  };
  const systemd = {
    property: async (_unit: string, _kind: string, name: string) => {
      if (name !== 'NeedDaemonReload') return running[name];
      told.push('asked');
      if ((left -= 1) >= 0) throw new Error('the bus is away');
      return true;
    },
    resetFailed: () => Promise.resolve(),
    stop: () => note('stop', 'done'),
    reload: () => note('reload'),
    watch: () => note('watch', () => {}),
    start: () => note('start', 'done'),
  };
  return { systemd: systemd as unknown as Systemd, told };
}

/** What the manager is told by a stop and a start. */
async function toldByRestart(t: TestContext, misses: number): Promise<string[]> {
  const { systemd, told } = managerThatMisses(misses);
  const plan = restartPlan(inputsOf('20260203-151120-4f2a'), {
    systemd,
    meter: { start() {} },
  } as unknown as PlanTools);
  for (const wanted of ['stop', 'start']) await plan.find(({ name }) => name === wanted)?.apply(t.signal);
  return told;
}

test('S5: what the start needs to know is asked while the old build stops, and not again', async (t) => {
  assert.equal(await toldByRestart(t, 0), ['stop', 'asked', 'reload', 'watch', 'start']);
});

test('S5: what was asked in vain while the old build stopped is asked at the start', async (t) => {
  assert.equal(await toldByRestart(t, 1), ['stop', 'asked', 'asked', 'reload', 'watch', 'start']);
});
