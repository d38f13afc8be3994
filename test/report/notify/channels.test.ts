import * as assert from 'uvu/assert';
import { channels } from '../../../lib/report/notify/channels.ts';
import { bounded } from '../../../lib/report/notify/notice.ts';
import { documentTable } from '../../../lib/config/schema/document.ts';
import { gateFailure, newer } from '../../run/samples.ts';
import { suite } from '../../suite.ts';
import { hostile, noticeWith, runOf } from './samples.ts';

const test = suite('report/notify/channels');
const token = '123456:AAF-planted_token';
const failed = { outcome: 'failed', failure: gateFailure } as const;
const telegramOptions = { chat: '46808774', api: 'https://api.telegram.org' };
const worst = {
  ...failed,
  failure: { ...gateFailure, message: `${hostile}${'<&*_`>'.repeat(500)}` },
  revision: hostile,
  branch: `*${'_'.repeat(300)}`,
  app: `shop<&>`,
};

function bodyOf(channel: keyof typeof channels, run = {}, secret = 'https://hooks.example.org/x'): Record<string, any> {
  const access = channel === 'telegram' ? { secret: token, options: telegramOptions } : { secret, options: {} };
  return JSON.parse(channels[channel].messageOf(noticeWith(run), access).body);
}

test('P4: every channel of the configuration is there', () => {
  const table = documentTable.tables?.notify?.table;
  assert.equal(Object.keys(channels), Object.keys(table?.kinds?.rows ?? {}));
});

test('P4: Telegram gets HTML with nothing in it but our own tags', () => {
  const { url, headers } = channels.telegram.messageOf(noticeWith(), { secret: token, options: telegramOptions });
  assert.is(url, `https://api.telegram.org/bot${token}/sendMessage`);
  assert.is(headers['content-type'], 'application/json');
  const { chat_id, parse_mode, text, link_preview_options } = bodyOf('telegram', worst);
  assert.equal([chat_id, parse_mode, link_preview_options], ['46808774', 'HTML', { is_disabled: true }]);
  const bare = text.replaceAll(/<\/?(b|code)>/g, '');
  assert.not.match(bare, /[<>]|&(?!amp;|lt;|gt;)/);
  assert.ok(bare.replaceAll(/&(amp|lt|gt);/g, '.').length <= 4096);
  assert.is(text.split('<b>').length, text.split('</b>').length);
  assert.is(text.split('<code>').length, text.split('</code>').length);
  assert.match(text, '<code>cutover rollback shop</code>');
  assert.match(text, '🚨 CRITICAL, act now: not verified healthy: shop&lt;&amp;&gt; shop</b>');
});

test('P4: a token that would lead elsewhere is refused, and not repeated', () => {
  for (const secret of ['x/../../getUpdates', '123', '1:a?b', 'https://example.org/'])
    assert.throws(
      () => channels.telegram.messageOf(noticeWith(), { secret, options: telegramOptions }),
      (error: Error) => !error.message.includes(secret),
      secret,
    );
});

test('P4: Slack gets text and blocks that mention nobody and fit', () => {
  const { text, blocks, unfurl_links } = bodyOf('slack', worst);
  const texts: string[] = [
    text,
    ...blocks.flatMap((block: any) => [block.text?.text, ...(block.fields ?? []).map((field: any) => field.text)]),
  ];
  for (const one of texts.filter(Boolean)) {
    assert.not.match(one, /[<>]|&(?!amp;|lt;|gt;)/);
    assert.ok(one.length <= 3_600, String(one.length));
  }
  for (const block of blocks) assert.ok((block.text?.text.length ?? 0) <= 3000 && (block.fields?.length ?? 0) <= 10);
  assert.is(unfurl_links, false);
  assert.match(blocks.at(-1).text.text, /^```systemctl status shop\.service\n[^`]*```$/);
  assert.is(bodyOf('slack').blocks.length, 3, 'nothing to type after a success');
});

test('P4: Discord gets at most 2000 characters, and calls nobody', () => {
  const { content, allowed_mentions, flags } = bodyOf('discord', worst);
  assert.ok(content.length <= 2000, String(content.length));
  assert.equal([allowed_mentions, flags], [{ parse: [] }, 4]);
  assert.match(content, /^\*\*🚨 CRITICAL/);
  const typed = `cutover rollback shop\ncutover deploy shop ${newer} --fix-forward\n`;
  assert.ok(content.endsWith(`${typed}\`\`\``), content.slice(-200));
  assert.match(content, String.raw`\<b\>&amp; \*\_\``);
  const good = bodyOf('discord').content;
  assert.match(good, 'Branch: main');
  assert.match(good, String.raw`Revision: 4f2a9c1`);
});

test('P4: where all of it is too long for Discord, facts give way, and never the sentence or what to type', () => {
  const stars = '*'.repeat(2_000);
  const facts = Array.from({ length: 9 }, (_, at): [string, string] => [`Fact ${at}`, stars]);
  const notice = bounded({ ...noticeWith(), title: stars, sentence: stars, facts, commands: Array(9).fill(stars) });
  const { body } = channels.discord.messageOf(notice, { secret: 'https://example.org/x', options: {} });
  const { content } = JSON.parse(body) as { content: string };
  assert.ok(content.length <= 2000, String(content.length));
  assert.match(content, `\n${String.raw`\*`.repeat(599)}…\n`);
  assert.ok(content.endsWith(`\n\`\`\`${`\n${'*'.repeat(119)}…`.repeat(4)}\n\`\`\``));
  const telegram = channels.telegram.messageOf(notice, { secret: token, options: telegramOptions });
  assert.match(telegram.body, 'Fact 8');
});

test('P4, P6: a webhook gets the very document that --json prints', () => {
  const options = { headers: { Authorization: 'Bearer planted', 'Content-Type': 'application/vnd.x+json' } };
  const { url, headers, body } = channels.webhook.messageOf(noticeWith(), { secret: 'https://example.org/x', options });
  assert.equal(JSON.parse(body), runOf());
  assert.is(url, 'https://example.org/x');
  assert.equal(headers, {
    'content-type': 'application/vnd.x+json',
    'x-cutover-event': 'deployed',
    authorization: 'Bearer planted',
  });
});
