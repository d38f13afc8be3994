import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { LoadReport } from './model.ts';

/** The load on one port, from a process of its own. */
export interface Load {
  end(): Promise<LoadReport>;
}

export function startLoad(port: number): Load {
  const child = fork(new URL('load.ts', import.meta.url), { execArgv: ['--import', 'tsx'] });
  child.send(port);
  return {
    async end() {
      child.send('stop');
      const [report] = (await once(child, 'message', { signal: AbortSignal.timeout(30_000) })) as [LoadReport];
      child.kill();
      return report;
    },
  };
}
