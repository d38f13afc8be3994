import { type Channel, jsonHeaders } from './channel.ts';

/** Any receiver: the run's document as `--json` prints it, and in a header of what it tells. */
export const webhook: Channel = {
  secretKey: 'url',
  messageOf: ({ kind, document }, { secret, options }) => {
    const own = options.headers as Record<string, string> | undefined;
    const given = Object.fromEntries(Object.entries(own ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
    const headers = { ...jsonHeaders, 'x-cutover-event': kind, ...given };
    return { url: secret, headers, body: JSON.stringify(document) };
  },
};
