import { acts, type Act, type DemoBuild } from './acts.ts';
import { performBeside, setSides } from './beside.ts';
import { besideText } from './beside-text.ts';
import type { DemoOptions } from './options.ts';
import type { ActDocument, DemoDocument, SideBySideDocument } from './document.ts';
import { type Load, startLoad } from './load.ts';
import { perform } from './perform.ts';
import { startProgress } from './progress.ts';
import { besideTitle, triedSideBuilds } from './sides.ts';
import type { Stage } from './stage.ts';
import { duration } from '../report/words.ts';
import { actText, headline, introduction, type Look } from './tell.ts';

export const clearLine = '\r\u001B[K';

type Told = Pick<DemoDocument, 'acts' | 'builds' | 'side_by_side'>;

/** What the acts have in common. */
interface Play {
  stage: Stage;
  options: DemoOptions;
  /** every build that was made so far */
  builds: DemoDocument['builds'];
  /** the letter of each, by its id; a picture or a progress that has begun learns of new ones */
  letters: Map<string, string>;
}

/** Plays all acts on a stage, and tells each when it is over. */
export async function playAll(stage: Stage, options: DemoOptions & { boot_ms: number }): Promise<Told> {
  const { tell, isLive, boot_ms, signal } = options;
  tell(`${isLive ? clearLine : ''}${introduction(stage.ground.tells(duration(boot_ms)), options.columns())}`);
  const [load] = (await startLoad(stage.ground, stage.ground.ports.slice(0, 1), signal)) as [Load];
  const play: Play = { stage, options, builds: [], letters: new Map() };
  const told: ActDocument[] = [];
  for (const act of acts) told.push(await playAct(act, load, play));
  const side_by_side = await playBeside(play);
  return { builds: play.builds, acts: told, side_by_side };
}

async function playAct(act: Act, load: Load, play: Play): Promise<ActDocument> {
  const { stage, options } = play;
  const { tell, isLive, cutover, signal } = options;
  if (act.build) await addBuild(act.build, play);
  const look = lookOf(play);
  const commands = [['cutover', ...act.args].join(' ')];
  tell(headline({ place: placeOf(acts.indexOf(act)), title: act.title, commands }, look));
  const { follow, end } = startProgress({ tell, isLive, ...look, samples: [load.samples] });
  const tools = { stage, load, cutover, signal, columns: look.columns, onLine: follow() };
  const performed = await perform(act, tools).finally(end);
  tell(actText(performed, look));
  return performed.document;
}

/** The last act. */
async function playBeside(play: Play): Promise<SideBySideDocument> {
  const { stage, options } = play;
  const { tell, isLive, cutover, signal } = options;
  const both = stage.sides.map(({ strategy }) => `cutover deploy ${strategy}`).join(' & ');
  const commands = triedSideBuilds.map(({ letter }) => `${both}   # build ${letter}`);
  tell(headline({ place: placeOf(acts.length), title: besideTitle, commands }, lookOf(play)));
  const folders = stage.sides.map(({ builds }) => builds);
  const tools = { stage, cutover, signal, add: (build: DemoBuild) => addBuild(build, play, folders) };
  const loads = await setSides(tools);
  const look = lookOf(play);
  const { follow, end } = startProgress({ tell, isLive, ...look, samples: loads.map(({ samples }) => samples) });
  const performed = await performBeside(loads, { ...tools, columns: look.columns, follow }).finally(end);
  tell(besideText(performed, look));
  return performed.document;
}

async function addBuild(
  build: DemoBuild,
  { stage, builds, letters }: Play,
  folders?: readonly string[],
): Promise<void> {
  const { letter, what } = build;
  const id = await stage.addBuild(build, folders);
  builds.push({ letter, id, what });
  letters.set(id, letter);
}

function lookOf({ options, letters }: Play): Look {
  return { columns: options.columns(), colours: options.colours, letters };
}

const placeOf = (index: number): string => `${index + 1} of ${acts.length + 1}`;
