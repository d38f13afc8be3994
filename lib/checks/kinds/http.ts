import { shellLine } from '../../base/shell-words.ts';
import type { HttpOptions } from '../../config/check-options.ts';
import type { TargetConfig } from '../../config/model.ts';
import { askHttp } from '../http.ts';
import type { Kind } from './kind.ts';
import { isOwnPort } from './own-port.ts';

/** B4, P7: every address answers as configured; that may be a 401 for those without credentials. */
export const httpKind: Kind<HttpOptions> = {
  ask: ({ urls, ...expectation }, { signal }) => askHttp(urls, expectation, typed(urls), signal),
  isAboutService: ({ urls }, target) => urls.some((url) => isOfService(url, target)),
  mayComeUp: true,
};

function typed(urls: readonly string[]): string {
  return urls.map((url) => shellLine(['curl', '-i', ...curlWords(url)])).join('; ');
}

function curlWords(url: string): string[] {
  const [, socket, path] = /^http:\/\/unix:([^:]+):(\/.*)$/.exec(url) ?? [];
  return socket === undefined ? [url] : ['--unix-socket', socket, `http://localhost${path}`];
}

function isOfService(url: string, target: TargetConfig): boolean {
  const socket = /^http:\/\/unix:([^:]+):/.exec(url)?.[1];
  if (socket !== undefined) return target.health.urls.some((own) => own.startsWith(`http://unix:${socket}:`));
  const { hostname, port, protocol } = new URL(url);
  return isOwnPort(hostname, Number(port) || (protocol === 'https:' ? 443 : 80), target);
}
