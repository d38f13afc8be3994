import { type Family, expositionOf } from '../../report/metrics/exposition.ts';
import type { ServeLog } from './log.ts';
import type { Queue } from './queue.ts';

/** The receiver's own metrics, in the text format of Prometheus. */
export function receiverMetrics(log: Pick<ServeLog, 'counts'>, queue: Queue): string {
  const open = queue.open();
  const inState = (wanted: 'queued' | 'running'): number => open.filter(({ state }) => state === wanted).length;
  const requests = log
    .counts()
    .map(({ path, status, count }) => ({ labels: { path, status: String(status) }, value: count }));
  return expositionOf([
    {
      name: 'cutover_serve_requests_total',
      type: 'counter',
      help: 'Requests that were answered, by path and status.',
      samples: requests,
    },
    gauge('cutover_serve_queued', 'Requests that wait for their turn.', inState('queued')),
    gauge('cutover_serve_running', 'Requests that are carried out now.', inState('running')),
    gauge('cutover_serve_memory_bytes', 'Memory of the receiver.', process.memoryUsage.rss()),
    gauge('cutover_serve_uptime_seconds', 'Since the receiver began.', Math.round(process.uptime())),
  ]);
}

function gauge(name: string, help: string, value: number): Family {
  return { name, type: 'gauge', help, samples: [{ labels: {}, value }] };
}
