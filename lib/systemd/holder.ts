import type { ProcessFacts } from './processes.ts';

/** "pid 812 (python3 app.py) of other.service": who has a port, in words. */
export function describeHolder(holder: ProcessFacts | null): string {
  if (!holder) return 'a process that cannot be named without root';
  return `pid ${holder.pid} (${holder.command})${holder.unit ? ` of ${holder.unit}` : ''}`;
}
