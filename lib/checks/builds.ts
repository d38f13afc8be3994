import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, isCutoverError } from '../base/errors.ts';
import { shellWord } from '../base/shell-words.ts';
import { type CurrentLink, makingLink, pointing, readCurrent } from '../builds/current.ts';
import { isAhead } from '../builds/dates.ts';
import { inspectBuild } from '../builds/inspect.ts';
import { buildIdFor } from '../builds/layout.ts';
import { listBuildIds } from '../builds/list.ts';
import { type Sharing, sharedLinks } from '../builds/sharing.ts';
import { accountOf } from '../systemd/account.ts';
import { type Answer, fail, pass, warn } from './check.ts';

/**
 * S1, S6: `current` is a relative link to a build inside the directory, the one that runs. A first deploy has none yet.
 * @param serving the build that the unit's process runs from; null: none runs, or that may not be seen
 */
export async function askBuilds(directory: string, serving: string | null = null): Promise<Answer> {
  const notWritable = await whyNotWritable(directory);
  if (notWritable)
    return fail(
      notWritable,
      'a builds directory in which current can be moved',
      `ls -ld ${shellWord(directory)}; findmnt -T ${shellWord(directory)}`,
    );
  const ids = await listBuildIds(directory).catch(outOfReach);
  if (!Array.isArray(ids)) return ids;
  const link = await readCurrent(directory);
  const answer = judgeCurrent(link, directory, serving);
  if (answer.status === 'fail') return answer;
  return askServing(link, directory, serving) ?? askDates(link, directory, ids) ?? answer;
}

/** Without its directory nothing is known of a build: that is not the same as none before the first deploy. */
function outOfReach(error: unknown): Answer {
  if (!isCutoverError(error, 'no_build', 'permission')) throw error;
  return fail(error.message, 'a builds directory that can be read', error.mend ?? 'cutover config');
}

/** Nothing that is added until then is the newest: a deploy takes it only by its name. */
function askDates(link: CurrentLink, directory: string, ids: readonly string[]): Answer | null {
  const newest = ids.at(-1);
  if (newest === undefined || !isAhead(newest)) return null;
  const isServing = 'build' in link && link.build === newest;
  const mend = `cutover deploy <build> names another one${isServing ? ', then' : '; or'}: mv ${shellWord(join(directory, newest))} ${shellWord(
    join(
      directory,
      buildIdFor(new Date(), (id) => ids.includes(id)),
    ),
  )}`;
  return warn(`${newest} says a time that is yet to come: what is added is not newer`, 'builds dated by now', mend);
}

/** A link that was moved by hand starts another build with the next crash or boot. */
function askServing(link: CurrentLink, directory: string, serving: string | null): Answer | null {
  const current = 'build' in link ? link.build : null;
  if (serving === null || serving === current) return null;
  const named = current === null ? 'there is no current' : `current names ${current}`;
  const what = `${named}, while ${serving} runs: the next start is another build's`;
  return warn(
    what,
    'current names the build that runs',
    `${pointing(directory, serving)}; the next deploy does it by itself`,
  );
}

function judgeCurrent(link: CurrentLink, directory: string, serving: string | null): Answer {
  const expected = 'current is a relative link to a build';
  const wrong = (how: string, mend: string): Answer => fail(`current ${how}`, expected, mend);
  // Where nothing runs, what is to be pointed at has to be proven first.
  const mend = serving === null ? 'cutover rollback' : pointing(directory, serving);
  switch (link.state) {
    case 'ok':
      return pass(`current -> ${link.destination}`, expected);
    case 'missing':
      return pass('no current yet: this is the first deploy', expected);
    case 'absolute':
      return warn(`current is absolute: ${link.destination}`, expected, 'the next deploy makes it relative');
    case 'dangling':
      return wrong(`points at ${link.destination}, which does not exist`, mend);
    case 'not_a_link':
      return wrong(`is a ${link.kind}`, `${makingLink(directory, link, serving)}, then cutover deploy`);
    case 'outside':
      return wrong(`leads outside, to ${link.path}`, mend);
    case 'not_a_build':
      return wrong(`leads to ${link.path}, which is not named as a build`, mend);
    default:
      return link satisfies never;
  }
}

/**
 * S2: there is a build to deploy, and nothing speaks against it.
 * @param user the unit's `User=`, who has to be able to read the build
 * @param sharing what all builds have links to; null: nothing
 */
export async function askCandidate(
  directory: string,
  id: string | null,
  { user, sharing = null }: { user: string | null; sharing?: Sharing | null },
): Promise<Answer> {
  const expected = 'a whole, readable build';
  if (id === null) return fail('there is no build to deploy', expected, 'cutover builds, then cutover add <archive>');
  const account = await accountOf(user);
  const build = await inspectBuild(directory, id, account ? { asUser: account } : {});
  if (build.broken) return fail(`${id} ${build.broken}`, expected, `rm -r ${shellWord(build.path)}, or copy it again`);
  return sharing === null ? pass(id, expected) : askShared(build.path, id, sharing);
}

/** What the service writes would be in one build alone where that has something of its own in the place of the link. */
async function askShared(path: string, id: string, sharing: Sharing): Promise<Answer> {
  const links = await sharedLinks(path, sharing);
  const taken = links.find((link) => link.taken !== null);
  if (taken) {
    const [own, saved] = ['', '.saved'].map((end) => shellWord(`${path}/${taken.taken}${end}`));
    const mend = `mv ${own} ${saved}, and the deploy makes the link; or take ${taken.path} out of ${sharing.record}`;
    return fail(
      `${id} has ${taken.taken} of its own`,
      `a link ${taken.name} to ${taken.path}, which builds share`,
      mend,
    );
  }
  const lacking = links.filter(({ isThere }) => !isThere).map(({ name, path: to }) => `${name} to ${to}`);
  const then = lacking.length === 0 ? '' : `; the deploy makes a link from ${lacking.join(', and from ')}`;
  return pass(`${id}${then}`, 'a whole, readable build');
}

/** access(2) also answers for a file system that is mounted read-only, where even root may not write. */
export async function whyNotWritable(directory: string): Promise<string | null> {
  return access(directory, constants.W_OK).then(
    () => null,
    (error: unknown) => {
      const errno = errnoOf(error);
      if (errno === 'EROFS') return `${directory} is on a read-only file system`;
      // A directory that is not there is for whoever lists it to tell.
      return errno === 'EACCES' ? `${directory} may not be written` : null;
    },
  );
}
