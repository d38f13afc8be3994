import type { ChannelConfig } from '../../config/model.ts';
import type { Notice } from './notice.ts';

/** What is posted to tell somebody. */
export interface Message {
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** A way in which people are told: it puts a notice into its form, and one sender does the rest. */
export interface Channel {
  /** which option holds the secret: a token, or the address itself */
  secretKey: 'token' | 'url';
  /** @throws `config` when the secret cannot be one of this channel */
  messageOf: (notice: Notice, access: Access) => Message;
}

/** The secret that lets us in, and the channel's other keys. */
export interface Access {
  secret: string;
  options: ChannelConfig['options'];
}

export const jsonHeaders = { 'content-type': 'application/json' };
