import { systemctl } from '../../systemd/typed.ts';
import { pass, warn } from '../check.ts';
import { askUnitFile } from '../unit.ts';
import type { Rule } from './patient.ts';

/** S12: what systemd has in memory is what stands in the files of all units. */
export const reload: Rule = {
  name: 'daemon_reload',
  appliesTo: () => true,
  ask: ({ main, sockets, services }) => {
    const own = askUnitFile(main.facts);
    const { expected } = own;
    const others = [...sockets, ...services.slice(1).map(({ facts }) => facts)];
    const stale = others.filter(({ needDaemonReload }) => needDaemonReload);
    const found = stale.map(({ unit }) =>
      warn(`the file of ${unit} changed on the disk`, expected, systemctl(main.facts.manager, 'daemon-reload')),
    );
    const bad = own.status === 'pass' ? found : [own, ...found];
    return bad.length > 0 ? bad : [pass('as on the disk', expected)];
  },
};
