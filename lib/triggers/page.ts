import { createHash } from 'node:crypto';
import { type Redact, redactorOf } from '../base/redactor.ts';
import { secretsOf } from '../config/known-secrets.ts';
import type { Config } from '../config/model.ts';
import { pathsOf } from '../deployer/place.ts';
import type { PageModel, ShownRequest } from '../report/page/model.ts';
import { bodyOf, titleOf, verdictOf } from '../report/page/sections.ts';
import { escapeHtml } from '../report/page/html.ts';
import type { Systemd } from '../systemd/systemd.ts';
import { pageMessages, stateMessage, tellChanges } from './page/events.ts';
import type { Disks } from './page/disks.ts';
import { protect } from './page/headers.ts';
import { openNews } from './page/news.ts';
import { type Login, openLogin } from './page/login.ts';
import { filled, type SiteFile, siteFiles, siteText } from './page/site.ts';
import { openWatching, type Watching } from './page/watching.ts';
import { refuseForNow } from './serve/answers.ts';
import { type Context, Hono, type HttpBindings, streamSSE } from './serve/framework.ts';

type Bound = { Bindings: HttpBindings };

/** By then a configuration that was changed is in force. */
const soonSeconds = 1;

/** What the page needs from outside. */
export interface PageParts {
  config: Config;
  systemd: Systemd;
  /** takes the secrets that the configuration knows out of a text */
  redact: Redact;
  login: Login;
  /** what was pushed for a target and is not over */
  requests: (target: string) => Promise<ShownRequest[]>;
  /** which file systems can be asked */
  disks: Disks;
  /** aborted when the receiver ends: whoever listens is let go, and nothing is looked at any more */
  signal: AbortSignal;
}

/**
 * What the receiver needs of the page: its routes, and the guards for what else is not for everybody.
 * @param about `token` is the word of `[serve].token_file`; null: none is wanted
 */
export async function openPage({
  config,
  token,
  env,
  systemd,
  requests,
  disks,
  signal,
}: Pick<PageParts, 'config' | 'systemd' | 'requests' | 'disks' | 'signal'> & {
  token: string | null;
  env: NodeJS.ProcessEnv;
}): Promise<{ routes: Hono<Bound> } & Pick<Login, 'guard' | 'runGuard'>> {
  const login = openLogin(token);
  const { guard, runGuard } = login;
  const redact = redactorOf(await secretsOf([config.targets, config.notify, config.serve], env));
  return { routes: pageRoutes({ config, systemd, redact, requests, disks, login, signal }), guard, runGuard };
}

/**
 * The page (R6) and what it lives on, to be mounted at `/`: `GET /` the page, `GET /events` its changes as server-sent events
 * (`?as=page`: as markup), `GET /state` the same once as JSON, `GET /page/…` its files, `POST /login`. It only shows. Nothing
 * is looked at while nobody looks.
 */
function pageRoutes({ config, systemd, redact, requests, disks, login, signal }: PageParts): Hono<Bound> {
  const places = Object.values(config.targets).map((target) => {
    const asked = (): Promise<ShownRequest[]> => requests(target.name);
    return { config, target, paths: pathsOf(config, target), systemd, redact, requests: asked, signal };
  });
  return routesFor({ watching: openWatching(config.app, { places, disks, signal }), login, signal });
}

/** The same for a state that comes from elsewhere. */
export function routesFor({
  watching,
  login,
  signal,
}: Pick<PageParts, 'login' | 'signal'> & { watching: Watching }): Hono<Bound> {
  const files = siteFiles();
  const assets = digestOf([...files.values()].map(({ text }) => text).join('\n') + siteText('index.html'));
  const app = new Hono<Bound>();
  app.route('/', login.routes);
  app.get('/page/:name', (c) => fileAnswer(c, files.get(c.req.param('name'))));
  app.get('/', login.guard, (c) => modelAnswer(c, { watching, signal }, (model) => c.html(documentOf(model, assets))));
  app.get('/state', login.guard, (c) => modelAnswer(c, { watching, signal }, (model) => c.json(model)));
  app.get('/events', login.guard, (c) => eventsAnswer(c, { watching, signal, assets }));
  return app;
}

/** Whoever asks while the configuration changes, or the receiver ends, comes again: nothing is looked at for this one any more. */
async function modelAnswer(
  c: Context<Bound>,
  { watching, signal }: { watching: Watching; signal: AbortSignal },
  answer: (model: PageModel) => Response | Promise<Response>,
): Promise<Response> {
  protect(c);
  try {
    return await answer(await watching.now());
  } catch (error) {
    if (!signal.aborted) throw error;
    return refuseForNow(c, 503, soonSeconds, 'what was looked at changed meanwhile');
  }
}

function documentOf(model: PageModel, assets: string): string {
  const { tone } = verdictOf(model);
  return filled(siteText('index.html'), { assets, tone, title: escapeHtml(titleOf(model)), body: bodyOf(model).text });
}

function eventsAnswer(
  c: Context<Bound>,
  { watching, signal, assets }: { watching: Watching; signal: AbortSignal; assets: string },
): Response {
  protect(c);
  // A proxy that gathers would show it all much later.
  c.header('X-Accel-Buffering', 'no');
  // A browser that comes again at once would come over the same connection, and keep a receiver that ends.
  c.header('Connection', 'close');
  // There would be nobody to read what is told.
  if (c.req.method === 'HEAD') return c.body(null);
  const message = c.req.query('as') === 'page' ? pageMessages(assets) : stateMessage;
  const news = openNews(watching);
  if (news) return streamSSE(c, (stream) => tellChanges(stream, { news, message, signal }));
  c.header('Retry-After', '30');
  return c.json({ error: { code: 'too_many', message: 'too many listen already', mend: 'GET /state' } }, 503);
}

/** Only text is handed out that was there when the program was made; who has it already is told so. */
function fileAnswer(c: Context<Bound>, file: SiteFile | undefined): Response {
  if (!file) return c.json({ error: { code: 'not_found', message: 'there is no such file', mend: null } }, 404);
  const etag = `"${digestOf(file.text)}"`;
  protect(c, 'no-cache');
  c.header('ETag', etag);
  const known = (c.req.header('if-none-match') ?? '').split(',').map((one) => one.trim().replace(/^W\//, ''));
  if (known.includes(etag)) return c.body(null, 304);
  c.header('Content-Type', file.type);
  return c.body(file.text);
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
