import { messageOf } from '../../base/errors.ts';
import { refuse, refuseForNow, type RouteEnvironment } from './answers.ts';
import type { Faults } from './faults.ts';
import { Hono, methodNotAllowed } from './framework.ts';
import type { ServeLog } from './log.ts';
import { addressOf, networkOf } from './peer.ts';
import { limiter } from './rate.ts';

export type Routes = Hono<RouteEnvironment>;

/** A person with a browser and a git host together stay far below; the page's events are one request. */
const rates = { each: { burst: 120, perSecond: 20 }, all: { burst: 600, perSecond: 200 } };

/** What surrounds every route: the log, the bound for how much comes in, and answers for what no route knows. */
export function frame({ log, faults }: { log: ServeLog; faults: Faults }): Routes {
  const app: Routes = new Hono<RouteEnvironment>();
  const limits = limiter(rates);
  app.use(async (c, next) => {
    const began = performance.now();
    await next();
    c.header('X-Content-Type-Options', 'nosniff');
    log.request(c.env.incoming, { status: c.res.status, ms: performance.now() - began });
  });
  app.use(async (c, next) => {
    const seconds = limits.ask(networkOf(addressOf(c.env.incoming)));
    if (seconds === null) return next();
    return refuseForNow(c, 429, seconds, 'too many requests');
  });
  refuseUnknown(app);
  app.onError((error, c) => {
    faults.note(`an error while ${c.req.method} was answered: ${messageOf(error)}`, error);
    return refuse(c, 500, { code: 'defect', message: 'the receiver made a mistake; its journal says which' });
  });
  return app;
}

/** Answers for a path that there is not, and for a method that is not for a path. */
function refuseUnknown(app: Routes): void {
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) =>
        refuse(
          c,
          405,
          { code: 'method_not_allowed', message: `${c.req.method} is not for this path` },
          { Allow: allowed(methods) },
        ),
    }),
  );
  app.notFound((c) => refuse(c, 404, { code: 'not_found', message: 'there is nothing of that name' }));
}

function allowed(methods: string[]): string {
  return methods.filter((name) => name !== 'OPTIONS').join(', ');
}
