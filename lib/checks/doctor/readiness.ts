import { type Answer, pass, warn } from '../check.ts';
import { write } from './mend.ts';
import type { Patient, Rule, Service } from './patient.ts';

const expected = 'Type=exec, or notify where the application says that it is ready';

/**
 * With Type=simple systemd calls a start done before the program is there, a missing one too. That is enough where a
 * port of its own or an address tells the rest.
 */
export const readiness: Rule = {
  name: 'readiness',
  appliesTo: () => true,
  ask: (patient) => {
    const services = [patient.main, ...(patient.standIn?.facts.loadState === 'loaded' ? [patient.standIn] : [])];
    const found = services.flatMap((service) => problemOf(service, patient));
    return found.length > 0 ? found : [pass(`Type=${patient.main.facts.type}`, expected)];
  },
};

function problemOf({ facts }: Service, { target }: Patient): Answer[] {
  if (facts.type !== 'simple') return [];
  const { strategy, ports, health } = target;
  const isTold = strategy === 'restart' && (ports.length > 0 || health.urls.length > 0);
  if (isTold) return [];
  return [warn(`Type=simple in ${facts.unit}`, expected, write(facts, 'Service', 'Type=exec'))];
}
