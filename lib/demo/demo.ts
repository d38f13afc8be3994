import { CutoverError } from '../base/errors.ts';
import type { Command } from '../base/exec.ts';
import type { Colours } from '../report/colour.ts';
import { acts } from './acts.ts';
import type { ActDocument, DemoDocument } from './document.ts';
import { type Load, startLoad } from './load.ts';
import { perform, type Performed } from './perform.ts';
import { startProgress } from './progress.ts';
import { setStage, type Stage } from './stage.ts';
import { summary } from './summary.ts';
import { actText, headline, introduction, type Look } from './tell.ts';

export interface DemoOptions {
  /** the folder of the product, visible inside */
  product: string;
  /** the command line of the product, which runs inside */
  cutover: Command;
  tell: (text: string) => void;
  colours: Colours;
  isLive: boolean;
  columns: () => number;
  signal: AbortSignal;
}

const clearLine = '\r\u001B[K';

/**
 * Boots a throw-away systemd, deploys good and bad builds in it under load, and draws what happened. Whatever
 * happens, the systemd and all that runs in it are gone at the end.
 * @throws `sandbox` where it cannot run, `interrupted`
 */
export async function demo(options: DemoOptions): Promise<DemoDocument> {
  const { product, tell, signal, colours, isLive, columns } = options;
  const beganMs = performance.now();
  const sinceMs = (): number => Math.round(performance.now() - beganMs);
  if (isLive) tell(colours.dim('  … booting a throw-away systemd'));
  try {
    const stage = await setStage({ product, signal });
    const boot_ms = sinceMs();
    const told = await playToTheEnd(stage, { ...options, boot_ms });
    const as_expected = told.acts.every((act) => act.as_expected);
    const document = { as_expected, ...told, boot_ms, duration_ms: sinceMs() };
    tell(summary(document, { width: columns(), colours }));
    return document;
  } catch (error) {
    if (isLive) tell(clearLine);
    // What breaks because the person wants it to end is not worth a word of its own.
    throw signal.aborted ? new CutoverError('interrupted', 'the demo was interrupted; nothing of it is left') : error;
  }
}

async function playToTheEnd(...played: Parameters<typeof playAll>): ReturnType<typeof playAll> {
  try {
    return await playAll(...played);
  } finally {
    await played[0].sandbox.end();
  }
}

async function playAll(
  stage: Stage,
  options: DemoOptions & { boot_ms: number },
): Promise<Pick<DemoDocument, 'acts' | 'builds'>> {
  const { tell, isLive, boot_ms, signal } = options;
  tell(`${isLive ? clearLine : ''}${introduction(boot_ms, options.columns())}`);
  const load = await startLoad(stage.sandbox, signal);
  const builds: DemoDocument['builds'] = [];
  const told: ActDocument[] = [];
  for (const act of acts) {
    if (act.build) builds.push({ ...act.build, id: await stage.addBuild(act.build) });
    const letters = new Map(builds.map(({ id, letter }) => [id, letter]));
    const look = { columns: options.columns(), colours: options.colours, letters };
    tell(headline(act, look));
    const performed = await play(act, { stage, load, look, options });
    tell(actText(performed, look));
    told.push(performed.document);
  }
  return { builds: builds.map(({ letter, id, what }) => ({ letter, id, what })), acts: told };
}

function play(
  act: (typeof acts)[number],
  { stage, load, look, options }: { stage: Stage; load: Load; look: Look; options: DemoOptions },
): Promise<Performed> {
  const { tell, isLive, cutover, signal } = options;
  const { onLine, end } = startProgress({ tell, isLive, ...look, samples: load.samples });
  return perform(act, { stage, load, cutover, signal, columns: look.columns, onLine }).finally(end);
}
