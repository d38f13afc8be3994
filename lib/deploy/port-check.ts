import { type Answer, fail, pass } from '../checks/check.ts';
import { askPort } from '../checks/port.ts';
import type { TargetConfig } from '../config/model.ts';
import type { UnitFacts } from '../systemd/facts.ts';
import type { Systemd } from '../systemd/systemd.ts';
import { systemctl } from '../systemd/typed.ts';

/** What the question about the ports is asked about. */
interface PortSubject {
  target: TargetConfig;
  facts: UnitFacts;
  systemd: Pick<Systemd, 'property'>;
  /** a change of the unit itself that has not ended */
  unfinished: object | null;
  /** who was seen this long ago to have the ports will do; default: who has them now */
  portsMaxAgeMs?: number | undefined;
}

/**
 * The check `port`: whether the ports are free or the unit's own, as its strategy wants them.
 * While half of a change is there, who has the port, and who should, says nothing of what a deploy will find.
 */
export async function askPorts(subject: PortSubject): Promise<Answer> {
  const { target, facts, unfinished, portsMaxAgeMs: maxAgeMs } = subject;
  if (unfinished) return pass('not asked: see in_flight', 'a port of the unit');
  const { ports, strategy } = target;
  return (await askStrategy(subject)) ?? askPort(ports, facts, { isShared: strategy !== 'restart', maxAgeMs });
}

/**
 * Behind a socket unit the port never closes, and a connection would start the old build again; without one, there is
 * nothing that would keep connections waiting.
 */
async function askStrategy(subject: PortSubject): Promise<Answer | null> {
  const { strategy, name } = subject.target;
  const { triggeredBy, unit, manager } = subject.facts;
  const socket = triggeredBy.find((trigger) => trigger.endsWith('.socket'));
  if (strategy !== 'restart') return socket === undefined ? askForgotten(subject) : null;
  if (socket === undefined) return null;
  const mend = `${systemctl(manager, `disable --now ${socket}`)}, or set targets.${name}.strategy = "socket"`;
  return fail(`the port belongs to ${socket}`, `with strategy "restart", ${unit} opens its port itself`, mend);
}

/** A socket unit that is closed, and that no other unit asks for, systemd forgets, and with it what it would start. */
async function askForgotten({ target, facts: { unit, manager }, systemd }: PortSubject): Promise<Answer> {
  const { strategy, name } = target;
  const expected = `with strategy "${strategy}", a socket unit that holds the port`;
  const own = `${unit.replace(/\.service$/, '')}.socket`;
  const starts = (await systemd.property(own, 'Unit', 'Triggers')) as string[];
  if (starts.includes(unit)) return fail(`${own} is closed`, expected, systemctl(manager, `enable --now ${own}`));
  const mend = `cutover init ${unit} --strategy ${strategy} makes one; or set targets.${name}.strategy = "restart"`;
  return fail(`no socket unit starts ${unit}`, expected, mend);
}
