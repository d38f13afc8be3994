import { systemctl } from '../../systemd/typed.ts';
import { fail, pass, warn } from '../check.ts';
import { write } from './mend.ts';
import { isShared, type Patient, type Rule, type Socket } from './patient.ts';

/** The kernel's own default since Linux 5.4, and systemd's since version 245. */
const usual = 4096;
/** Shorter than this, a handful of clients fill it while the service restarts. */
const least = 64;
/** New connections a second that a queue should hold for as long as a restart takes. */
const rate = 1_000;
/** A service that was not measured yet. */
const assumedMs = 500;

/** Connections wait in the kernel's queue while the service restarts; of what does not fit, clients try again after 1 s. */
export const backlog: Rule = {
  name: 'backlog',
  appliesTo: (patient) => isShared(patient) && patient.sockets.length > 0,
  ask: (patient) => {
    const { queue, sockets, lastRun } = patient;
    const tookMs = lastRun?.restartMs ?? assumedMs;
    const needed = Math.max(least, Math.ceil((rate * tookMs) / 1000));
    const measured = lastRun?.restartMs == null ? 'assumed' : 'measured';
    const expected = `${needed} at least: ${rate} connections a second for the ${tookMs} ms of a restart (${measured})`;
    const limits = [...sockets.map((socket) => bySocket(socket, patient)), ...byKernel(patient)];
    const shortest = Math.min(...limits.map(({ length }) => length));
    const found = limits
      // Only what is the bottleneck is worth a line, and what would be the next one.
      .filter(({ length }) => length < needed)
      .map(({ length, observed, mend }) => (length < least ? fail : warn)(observed, expected, mend(needed)));
    return found.length > 0
      ? found
      : [pass(`${shortest}${queue?.kernel == null ? '' : ' as the kernel has it'}`, expected)];
  },
};

interface Limit {
  length: number;
  observed: string;
  mend: (needed: number) => string;
}

function bySocket({ unit, backlog: length }: Socket, { main }: Patient): Limit {
  const { manager } = main.facts;
  const again = systemctl(manager, `stop ${unit} ${main.facts.unit} && ${systemctl(manager, `start ${unit}`)}`);
  return {
    length,
    observed: `Backlog=${length} in ${unit}`,
    mend: (needed) =>
      `${write({ unit, manager }, 'Socket', `Backlog=${Math.max(usual, needed)}`)}\nand once, since an open socket keeps its queue: ${again}`,
  };
}

/** The kernel cuts every queue at its own limit; an application that calls listen(2) again sets it anew. */
function byKernel({ queue, sockets }: Patient): Limit[] {
  if (queue === null) return [];
  const { most, kernel } = queue;
  const asked = Math.min(...sockets.map((socket) => socket.backlog));
  const limits: Limit[] = [];
  if (most < asked) {
    const mend = (needed: number): string =>
      `write net.core.somaxconn=${Math.max(usual, needed)} into /etc/sysctl.d/60-queue.conf, then sysctl --system`;
    limits.push({ length: most, observed: `net.core.somaxconn is ${most}`, mend });
  }
  if (kernel !== null && kernel < Math.min(asked, most)) {
    const mend = (needed: number): string =>
      `let the application listen with a queue of its own, as Node with listen({ fd: 3 }, ${Math.max(usual, needed)})`;
    limits.push({ length: kernel, observed: `the application made the queue ${kernel} long (Backlog=${asked})`, mend });
  }
  return limits;
}
