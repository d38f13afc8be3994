import { type Channel, jsonHeaders } from './channel.ts';
import type { Notice } from './notice.ts';

/**
 * An incoming webhook's message (api.slack.com/messaging/webhooks). `text` is what a phone's lock screen shows, the blocks are
 * what the channel does. With `&`, `<` and `>` escaped nothing in a text is a link or a mention. A section's text has at most
 * 3000 characters; a section has at most ten fields.
 */
export const slack: Channel = {
  secretKey: 'url',
  messageOf: (notice, { secret }) => ({ url: secret, headers: jsonHeaders, body: JSON.stringify(bodyOf(notice)) }),
};

const mostFields = 10;

function bodyOf({ title, sentence, facts, commands }: Notice): Record<string, unknown> {
  const fields = facts.slice(0, mostFields).map(([name, value]) => mrkdwn(`*${name}*\n${escape(value)}`));
  const typed = commands.map((command) => escape(command).replaceAll('`', "'")).join('\n');
  const blocks = [
    { type: 'section', text: mrkdwn(`*${escape(title)}*`) },
    { type: 'section', text: mrkdwn(escape(sentence)) },
    ...(fields.length === 0 ? [] : [{ type: 'section', fields }]),
    ...(typed === '' ? [] : [{ type: 'section', text: mrkdwn(`\`\`\`${typed}\`\`\``) }]),
  ];
  return { text: `${escape(title)}\n${escape(sentence)}`, blocks, unfurl_links: false, unfurl_media: false };
}

function mrkdwn(text: string): { type: 'mrkdwn'; text: string } {
  return { type: 'mrkdwn', text };
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
