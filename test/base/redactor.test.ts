import * as assert from 'uvu/assert';
import { redactorOf, redactSentences } from '../../lib/base/redactor.ts';
import { suite } from '../suite.ts';

const test = suite('base/redactor');

function left(text: string): string {
  return text.replaceAll('[redacted]', '');
}

test('W4: takes every value out, wherever it stands and however it is written', () => {
  const redact = redactorOf(['s3cret/one+two', 'quote"d\\value']);
  const rows: [string, string][] = [
    ['nothing of it', 'nothing of it'],
    ['a s3cret/one+two, twice: s3cret/one+two', 'a [redacted], twice: [redacted]'],
    ['?token=s3cret%2Fone%2Btwo&x=1', '?token=[redacted]&x=1'],
    [JSON.stringify({ key: 'quote"d\\value' }), '{"key":"[redacted]"}'],
  ];
  for (const [text, expected] of rows) assert.is(redact(text), expected);
});

test('W4: a value that holds another one is taken out whole', () => {
  assert.is(redactorOf(['abcdef', 'abcdefghij'])('abcdefghij abcdef'), '[redacted] [redacted]');
});

test('W4: each line of a key of several lines is taken out', () => {
  const key = '-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n';
  assert.is(redactorOf([key])('x kqhkiG9w0BAQEF y'), 'x [redacted] y');
});

test('W4: what a cut leaves of a value is taken out, wherever in it the text was cut', () => {
  const secret = 'sentinel-0123456789-abcdefghij';
  const redact = redactorOf(['sentinel', secret]);
  for (let at = 0; at <= secret.length; at += 1) {
    for (const mark of ['…', '...']) {
      const begun = left(redact(`the body says ${secret.slice(0, at)}${mark} 12 more`));
      assert.is(begun, `the body says ${at < 3 ? secret.slice(0, at) : ''}${mark} 12 more`);
      const ended = left(redact(`it said: ${mark}${secret.slice(at)} and more`));
      assert.is(ended, `it said: ${mark}${secret.length - at < 3 ? secret.slice(at) : ''} and more`);
    }
  }
  assert.is(redact(`…${secret}…`), '…[redacted]…');
  assert.is(redact('…ghij tentatively sen…'), '…[redacted] tentatively [redacted]…');
});

test('what is short, and what is no secret, stays', () => {
  assert.is(redactorOf(['on', '12345', ''])('on 12345 abc'), 'on 12345 abc');
  assert.is(redactorOf([])('text'), 'text');
});

test('W4: a password that is a word of ours is taken out of sentences alone', () => {
  const document = {
    outcome: 'deployed',
    steps: [{ name: 'migrate', status: 'failed', message: 'deployed failed' }],
    checks: [{ name: 'env', observed: 'status failed', mend: null }],
    failure: null,
    duration_ms: 12,
  };
  const redact = redactorOf(['deployed', 'failed', 'status', 'migrate', 'message']);
  assert.equal(redactSentences(document, redact), {
    ...document,
    steps: [{ name: 'migrate', status: 'failed', message: '[redacted] [redacted]' }],
    checks: [{ name: 'env', observed: '[redacted] [redacted]', mend: null }],
  });
});

test('W4: every sentence of a run is one: what a step could not do, and what was ended first, too', () => {
  const redact = redactorOf(['planted']);
  const said = 'planted went wrong';
  const document = {
    steps: [{ name: 'backup', status: 'done', warning: said }],
    ended_first: said,
    facts: { problem: said, file: null },
  };
  assert.equal(redactSentences(document, redact), {
    steps: [{ name: 'backup', status: 'done', warning: '[redacted] went wrong' }],
    ended_first: '[redacted] went wrong',
    facts: { problem: '[redacted] went wrong', file: null },
  });
});
