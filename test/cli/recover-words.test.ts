import * as assert from 'uvu/assert';
import { parse } from '../../lib/cli/parse.ts';
import { suite } from '../suite.ts';

const test = suite('cli/recover-words');

function read(...argv: string[]): { words: string[]; options: Record<string, unknown> } {
  const request = parse(argv);
  if (request.kind !== 'run') throw new Error('not a command');
  return { words: request.words, options: { ...request.options } };
}

test('R3: any number of targets, and --only again and again, before or after them', () => {
  assert.equal(read('recover').words, []);
  assert.equal(read('recover', 'a', 'b', 'c', 'd').words, ['a', 'b', 'c', 'd']);
  const { words, options } = read('recover', '--only', 'a', 'x', '--only=b,c', '--only', '7');
  assert.equal([words, options.only], [['x'], 'a,b,c,7']);
  assert.is(read('recover').options.only, undefined);
  assert.is(read('recover', '--status-only', 'a').options.statusOnly, true);
  assert.equal(read('recover', '--status-only', 'a').words, ['a']);
});
