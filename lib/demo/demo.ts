import { CutoverError } from '../base/errors.ts';
import { SomethingLeft } from '../sandbox/something-left.ts';
import type { DemoDocument } from './document.ts';
import type { DemoOptions } from './options.ts';
import { clearLine, playAll } from './play.ts';
import { sandboxGround } from './ground.ts';
import { ownGround } from './own-ground.ts';
import { setStage } from './stage.ts';
import { summary } from './summary.ts';

/**
 * Boots a throw-away systemd, or takes the user's own where there is no root, deploys good and bad builds in it under load,
 * and draws what happened. Whatever happens, all that was made for it is gone at the end.
 * @throws `sandbox` where it cannot run, or when something is left of it; `interrupted`
 */
export async function demo(options: DemoOptions): Promise<DemoDocument> {
  const { product, tell, signal, colours, isLive, columns } = options;
  const beganMs = performance.now();
  const sinceMs = (): number => Math.round(performance.now() - beganMs);
  const isRoot = process.getuid?.() === 0;
  if (isLive && isRoot) tell(colours.dim('  … booting a throw-away systemd'));
  try {
    const stage = await setStage(await (isRoot ? sandboxGround({ product, signal }) : ownGround(signal)), signal);
    const boot_ms = sinceMs();
    const told = await playToTheEnd(stage, { ...options, boot_ms });
    const as_expected = [...told.acts, told.side_by_side].every((act) => act.as_expected);
    const document = { as_expected, ...told, boot_ms, duration_ms: sinceMs() };
    tell(summary(document, { width: columns(), colours, gone: stage.ground.gone }));
    return document;
  } catch (error) {
    if (isLive) tell(clearLine);
    // What breaks because the person wants it to end is not worth a word of its own.
    throw signal.aborted && !(error instanceof SomethingLeft)
      ? new CutoverError('interrupted', 'the demo was interrupted; nothing of it is left')
      : error;
  }
}

async function playToTheEnd(...played: Parameters<typeof playAll>): ReturnType<typeof playAll> {
  try {
    return await playAll(...played);
  } finally {
    await played[0].ground.end();
  }
}
