import { type Channel, jsonHeaders } from './channel.ts';
import type { Notice } from './notice.ts';

/** discord.com/developers/docs/resources/webhook#execute-webhook */
const mostCharacters = 2000;
/** of a message: no previews of what an address in it leads to */
const suppressEmbeds = 4;

/** A webhook's message. Nobody is called by it, whatever a branch or an error message holds. */
export const discord: Channel = {
  secretKey: 'url',
  messageOf: (notice, { secret }) => {
    const body = { content: contentOf(notice), allowed_mentions: { parse: [] }, flags: suppressEmbeds };
    return { url: secret, headers: jsonHeaders, body: JSON.stringify(body) };
  },
};

/** The facts give way where all of it is too long: the sentence and what to type are what counts. */
function contentOf({ title, sentence, facts, commands }: Notice): string {
  const head = [`**${escape(title)}**`, escape(sentence)];
  const typed = commands.map((command) => command.replaceAll('`', "'"));
  const foot = typed.length === 0 ? [] : ['```', ...typed, '```'];
  const rows = facts.map(([name, value]) => `${name}: ${escape(value)}`);
  while (rows.length > 0 && [...head, ...rows, ...foot].join('\n').length > mostCharacters) rows.pop();
  return [...head, ...rows, ...foot].join('\n');
}

/** What Markdown would take for itself. */
function escape(text: string): string {
  return text.replaceAll(/[\\*_~`|<>#[\]()-]/g, String.raw`\$&`);
}
