import { spelledSize } from '../config/quantities.ts';
import { backup } from '../deployer/backup.ts';
import { duration } from '../report/words.ts';
import { afterwards, whileWorking } from './afterwards.ts';
import type { Run } from './command.ts';
import { placeFor } from './place.ts';
import { waitMsOf } from './waiting.ts';

export const run: Run<{ wait?: string | number | boolean }> = async ([name], options, terminal) => {
  const waitMs = waitMsOf(options.wait);
  const place = await placeFor(name, options, terminal, { asOwner: true });
  const report = await whileWorking(place, terminal, () => backup(place, { waitMs }));
  const { target, file, size_bytes, duration_ms, removed } = report;
  if (options.json) terminal.print(JSON.stringify(report));
  else if (options.quiet) terminal.print(file);
  else {
    const gone = removed.length === 0 ? '' : `; removed ${removed.length} older`;
    terminal.tell(`${target}: ${file} (${spelledSize(size_bytes)}, ${duration(duration_ms)}${gone})\n`);
  }
  await afterwards(null, place, { terminal });
  return 0;
};
