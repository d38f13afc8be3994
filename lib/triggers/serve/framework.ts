/** The one door for hono and its server: whoever answers requests takes from here what is needed. */
export { createAdaptorServer, type HttpBindings } from '@hono/node-server';
export { type Context, Hono, type MiddlewareHandler, type Next } from 'hono';
export { getCookie, setCookie } from 'hono/cookie';
export { methodNotAllowed } from 'hono/method-not-allowed';
export { type SSEStreamingApi, streamSSE } from 'hono/streaming';
