import { CutoverError } from '../../base/errors.ts';
import { type Channel, jsonHeaders } from './channel.ts';
import type { Notice } from './notice.ts';

/**
 * A bot's message (core.telegram.org/bots/api#sendmessage). HTML and not MarkdownV2: three characters are to be escaped in
 * it, and not eighteen. A text has at most 4096 characters after its entities are parsed; a notice has fewer than 2000.
 */
export const telegram: Channel = {
  secretKey: 'token',
  messageOf(notice, { secret, options }) {
    // Part of a path: anything else in it would lead elsewhere.
    if (!/^\d+:[\w-]+$/.test(secret)) throw new CutoverError('config', 'what is given is no token of a bot');
    const body = {
      chat_id: options.chat,
      text: textOf(notice),
      parse_mode: 'HTML',
      link_preview_options: { is_disabled: true },
    };
    const url = `${String(options.api).replace(/\/+$/, '')}/bot${secret}/sendMessage`;
    return { url, headers: jsonHeaders, body: JSON.stringify(body) };
  },
};

function textOf({ title, sentence, facts, commands }: Notice): string {
  const rows = facts.map(([name, value]) => `${name}: <code>${escape(value)}</code>`);
  const typed = commands.map((command) => `<code>${escape(command)}</code>`);
  return [`<b>${escape(title)}</b>`, escape(sentence), ...rows, ...typed].join('\n');
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
