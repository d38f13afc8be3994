import type { Context, HttpBindings } from '../serve/framework.ts';

/** Set by whoever passes a request on for somebody else. */
const passedOn = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

/**
 * Whether a request came from this machine, for this machine, and not through a proxy: nginx as it is by default names nobody, and
 * speaks HTTP/1.0, which nobody else does. The name that it asks for counts as well:
 * a foreign name that leads to 127.0.0.1 is how a page elsewhere would read this one in a visitor's browser.
 */
export function isNear(c: Context<{ Bindings: HttpBindings }>): boolean {
  const { httpVersion, socket } = c.env.incoming;
  if (httpVersion === '1.0') return false;
  const { localAddress } = socket;
  // A socket in the file system has no address.
  if (localAddress !== undefined && !isLoopback(localAddress)) return false;
  return !passedOn.some((name) => c.req.header(name) !== undefined) && isLocalName(c.req.header('host') ?? '');
}

function isLoopback(address: string): boolean {
  return /^(?:::ffff:)?127\./i.test(address) || address === '::1';
}

function isLocalName(host: string): boolean {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  return name === 'localhost' || name === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(name);
}
