import * as assert from 'uvu/assert';
import { redactorOf, redactSentences } from '../../lib/base/redactor.ts';
import { suite } from '../suite.ts';

const test = suite('base/redactor');

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
