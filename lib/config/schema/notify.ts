import { choice } from '../values/choice.ts';
import { listOf } from '../values/list.ts';
import { textMap } from '../values/map.ts';
import { absolutePath } from '../values/path.ts';
import { text } from '../values/text.ts';
import { httpUrl, secretUrl } from '../values/url.ts';
import type { Row, Table } from './table.ts';

const events = ['deployed', 'refused', 'rolled_back', 'failed', 'recovered', 'alert'] as const;

/** Where a secret may stand outside of the file; the ending of its key names the place. */
const secretPlaces = [
  { ending: 'file', type: absolutePath, place: 'A file', example: (key: string) => `/etc/cutover/channel.${key}` },
  { ending: 'credential', type: text, place: 'The credential (LoadCredential=)', example: () => 'channel' },
  {
    ending: 'env',
    type: text,
    place: 'The environment variable',
    example: (key: string) => `CHANNEL_${key.toUpperCase()}`,
  },
];

/** The four ways to give a secret; without any of them the channel is silently off. */
function secretRows(key: 'token' | 'url', what: string, inline: Pick<Row, 'type' | 'example'>): Row[] {
  return [
    {
      key,
      ...inline,
      default: null,
      secret: true,
      sentence: `Inline, ${what} itself; the file must then be readable by its owner alone.`,
    },
    ...secretPlaces.map(({ ending, type, place, example }) => ({
      key: `${key}_${ending}`,
      type,
      default: null,
      sentence: `${place} that holds ${what}.`,
      example: example(key),
    })),
  ];
}

const addressRows = secretRows('url', 'the address to post to', {
  type: secretUrl,
  example: 'https://example.org/hook',
});

const channels: Readonly<Record<string, readonly Row[]>> = {
  telegram: [
    ...secretRows('token', "the bot's token", { type: text, example: '123456:a-token' }),
    { key: 'chat', type: text, required: true, sentence: 'The chat to write to.', example: '46808774' },
    {
      key: 'api',
      type: httpUrl,
      default: 'https://api.telegram.org',
      sentence: 'The Bot API server, for those who run their own.',
      example: 'https://telegram.example.org',
    },
  ],
  slack: addressRows,
  discord: addressRows,
  webhook: [
    ...addressRows,
    {
      key: 'headers',
      type: textMap({ name: 'a table of header names and texts', key: /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/ }),
      default: {},
      sentence: 'Headers to send, as those of health.',
      example: { 'content-type': 'application/json' },
    },
  ],
};

export const notifyTable: Table = {
  sentence: 'Who is told of outcomes. A notice that fails never fails a deploy.',
  rows: [
    {
      key: 'channel',
      type: choice(...Object.keys(channels)),
      required: true,
      sentence: 'How the notice travels; it decides which further keys there are.',
      example: 'telegram',
    },
    {
      key: 'on',
      type: listOf(choice(...events), { min: 1 }),
      default: events,
      sentence: 'Of what to tell.',
      example: ['rolled_back', 'failed'],
    },
  ],
  kinds: { key: 'channel', rows: channels },
};
