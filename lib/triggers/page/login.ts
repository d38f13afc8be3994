import { sleep } from '../../base/wait.ts';
import { escapeHtml } from '../../report/page/html.ts';
import { refuseUnread } from '../serve/answers.ts';
import { readBody } from '../serve/body.ts';
import {
  type Context,
  getCookie,
  Hono,
  type HttpBindings,
  type MiddlewareHandler,
  setCookie,
} from '../serve/framework.ts';
import { addressOf, networkOf } from '../serve/peer.ts';
import { isRequestId } from '../serve/request.ts';
import { type Attempts, openAttempts } from './attempts.ts';
import { protect } from './headers.ts';
import { isNear } from './near.ts';
import { filled, siteText } from './site.ts';
import { sessionMs, type TokenCheck, tokenCheck } from './token.ts';

type Bound = { Bindings: HttpBindings };
type Status = 401 | 403 | 411 | 413 | 429;

/** Who may look, and how somebody comes in. */
export interface Login {
  /** for the page and `/metrics`: wants the token where there is one; without one they are for this machine alone */
  guard: MiddlewareHandler<Bound>;
  /** for `/runs/:id`: the same, but whoever knows the name of a request is who sent it, and may ask what became of it */
  runGuard: MiddlewareHandler<Bound>;
  /** `POST /login`, to be mounted at `/` */
  routes: Hono<Bound>;
}

const cookieName = 'cutover_page';
/** Whoever tries waits; who knows the token does not. */
const wrongMs = 400;
/** A form with the longest token there is. */
const mostBytes = 16_384;

const farAway = {
  code: 'no_token',
  message: 'without a token this is shown on this machine alone',
  mend: 'openssl rand -hex 32 > FILE, chmod 600 FILE, and [serve].token_file = FILE in the configuration',
};

/** Guards what only those with the token may see. @param token the word in `[serve].token_file`; null: there is none */
export function openLogin(token: string | null): Login {
  const check = token === null ? null : tokenCheck(token);
  const attempts = openAttempts();
  const guard: Login['guard'] = async (c, next) => {
    if (check !== null) return (await refusalOf(c, check, attempts)) ?? next();
    return isNear(c) ? next() : refused(c, 403, farAway);
  };
  const runGuard: Login['runGuard'] = (c, next) => {
    const isKnown = check === null && isRequestId(c.req.path.slice(c.req.path.lastIndexOf('/') + 1));
    return isKnown ? next() : guard(c, next);
  };
  const routes = new Hono<Bound>();
  if (check !== null) routes.post('/login', (c) => logIn(c, check, attempts));
  return { guard, runGuard, routes };
}

/** Null: whoever asks may see it. */
async function refusalOf(c: Context<Bound>, check: TokenCheck, attempts: Attempts): Promise<Response | null> {
  if (check.isSession(getCookie(c, cookieName) ?? '', Date.now())) return null;
  const [, word] = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '') ?? [];
  if (word === undefined) return refused(c, 401, { code: 'token', message: 'a token is needed', mend: null });
  return tried(c, word, { check, attempts });
}

async function logIn(c: Context<Bound>, check: TokenCheck, attempts: Attempts): Promise<Response> {
  const length = Number(c.req.header('content-length'));
  // Whoever does not say how much is to come is not listened to.
  if (!(length >= 0)) return refused(c, 411, { code: 'length', message: 'a length is needed', mend: null });
  if (length > mostBytes) return refused(c, 413, { code: 'too_long', message: 'that is no token', mend: null });
  const form = await readBody(c.env.incoming);
  if (!Buffer.isBuffer(form)) return refuseUnread(c, form);
  const word = new URLSearchParams(form.toString()).get('token')?.trim() ?? '';
  const refusal = await tried(c, word, { check, attempts });
  if (refusal) return refusal;
  const secure = c.req.header('x-forwarded-proto') === 'https';
  const rules = { httpOnly: true, sameSite: 'Strict', path: '/', secure, maxAge: sessionMs / 1000 } as const;
  setCookie(c, cookieName, check.newSession(Date.now()), rules);
  return c.redirect('/', 303);
}

async function tried(
  c: Context<Bound>,
  word: string,
  { check, attempts }: { check: TokenCheck; attempts: Attempts },
): Promise<Response | null> {
  const network = networkOf(addressOf(c.env.incoming));
  const waitMs = attempts.begin(network, Date.now());
  if (waitMs > 0) {
    const seconds = Math.ceil(waitMs / 1000);
    c.header('Retry-After', String(seconds));
    return refused(c, 429, { code: 'too_many', message: `too many wrong tokens; wait ${seconds} s`, mend: null });
  }
  if (check.isToken(word)) {
    attempts.forget(network);
    return null;
  }
  await sleep(wrongMs);
  return refused(c, 401, { code: 'token', message: 'that is not the token', mend: null });
}

/** People get a form or a sentence, programs a document. */
function refused(
  c: Context<Bound>,
  status: Status,
  error: { code: string; message: string; mend: string | null },
): Response | Promise<Response> {
  protect(c);
  if (status === 401) c.header('WWW-Authenticate', 'Bearer realm="cutover"');
  if (!(c.req.header('accept') ?? '').includes('text/html')) return c.json({ error }, status);
  // To ask for a token is no reproach: nothing was tried yet.
  const isFirst = error.code === 'token' && c.req.method === 'GET' && c.req.header('authorization') === undefined;
  const said = isFirst ? '' : escapeHtml([error.message, error.mend].filter(Boolean).join(': '));
  return c.html(filled(siteText(error.code === 'no_token' ? 'far.html' : 'login.html'), { said }), status);
}
