import type { CommandPlace } from './place.ts';
import { interruptSignal } from './signals.ts';

/** Writes the metrics of the target where the configuration wants them. It changes nothing: what goes wrong is a note. */
export async function metricsAfterwards(place: CommandPlace, directory: string | null): Promise<void> {
  if (directory === null) return;
  const { writeMetricsFile } = await import('../deployer/metrics-file.ts');
  // Of its own: a run that was interrupted is counted, too.
  const problem = await writeMetricsFile({ ...place, signal: interruptSignal() }, directory);
  if (problem !== null) place.emit({ type: 'note', message: problem });
}
