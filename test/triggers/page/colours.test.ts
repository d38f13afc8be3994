import * as assert from 'uvu/assert';
import { siteText } from '../../../lib/triggers/page/site.ts';
import { suite } from '../../suite.ts';
import { contrastOf } from './contrast.ts';

const test = suite('the colours of the page');

const css = siteText('page.css');

function coloursIn(block: string): Record<string, string> {
  return Object.fromEntries(
    [...block.matchAll(/--([a-z-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value]),
  );
}

const [light = '', dark = ''] = [...css.matchAll(/:root \{([^}]*)\}/g)].map(([, block]) => block ?? '');

for (const [scheme, block] of [
  ['light', light],
  ['dark', dark],
] as const) {
  test(`R6: ${scheme}: whatever is written can be read (WCAG AA), on the page and on what is raised`, () => {
    const colours = coloursIn(block);
    assert.equal(Object.keys(colours).length, 9);
    const pair = (front: string, back: string): number => contrastOf(colours[front] ?? '', colours[back] ?? '');
    for (const back of ['ground', 'raised'])
      for (const front of ['text', 'quiet', 'accent', 'warn', 'bad'])
        assert.ok(pair(front, back) >= 4.5, `${front} on ${back}: ${pair(front, back).toFixed(2)}`);
    for (const back of ['accent', 'bad', 'warn'])
      assert.ok(pair('on-tone', back) >= 4.5, `on ${back}: ${pair('on-tone', back).toFixed(2)}`);
  });
}

test('R6: no colour stands anywhere but in the two lists', () => {
  const rest = css.replace(light, '').replace(dark, '');
  assert.equal(rest.match(/#[0-9a-f]{3,8}\b|rgba?\(|hsla?\(/gi), null);
});

test('R6: black on white is 21 to 1', () => {
  assert.is(contrastOf('#000000', '#ffffff'), 21);
  assert.is(contrastOf('#777777', '#ffffff').toFixed(2), '4.48');
});
