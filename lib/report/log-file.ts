import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { ManagerKind } from '../config/model.ts';
import type { Listener, RunEvent } from '../run/events.ts';
import type { Colours } from './colour.ts';
import { terminalListener } from './terminal.ts';

/** Where a run's log is (S10): named after the unit and the time in the run's id. */
export function logPath({ directory, unit, run }: { directory: string; unit: string; run: string }): string {
  return join(directory, `deployment-${unit}-${run.slice(0, 15)}.log`);
}

/**
 * Keeps everything that happens in a file, each line with its time. Written at once and not waited for: the log
 * of a run that is killed ends where the run ended. What comes before the run has its name is held back until then.
 * @returns a listener that throws when the directory cannot be written; the run goes on without it
 */
export function logFileListener({
  directory,
  unit,
  manager,
  plain,
}: {
  directory: string;
  unit: string;
  manager: ManagerKind;
  plain: Colours;
}): Listener {
  let held = '';
  let file: number | undefined;
  const write = (text: string): void => {
    const line = `${new Date().toISOString()} ${text}`;
    if (file === undefined) held += line;
    else writeSync(file, line);
  };
  const tell = terminalListener({ write, colours: plain, isLive: false, level: 'verbose', manager });
  return (event: RunEvent) => {
    tell(event);
    const run = event.type === 'begin' ? event.inputs.run : event.type === 'outcome' ? event.document.run : null;
    if (run !== null && file === undefined) {
      file = openLog(logPath({ directory, unit, run }));
      writeSync(file, held);
    }
    if (event.type !== 'outcome' || file === undefined) return;
    writeSync(file, `${JSON.stringify(event.document)}\n`);
    closeSync(file);
    file = undefined;
  };
}

function openLog(path: string): number {
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o750 });
  return openSync(path, 'a', 0o640);
}
