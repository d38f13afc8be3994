import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

test('every good has a name, and none is sold twice', () => {
  const goods = JSON.parse(readFileSync(new URL('../goods.json', import.meta.url), 'utf8'));
  assert.ok(goods.length > 0);
  assert.ok(goods.every((name) => name.trim() === name && name !== ''));
  assert.equal(new Set(goods).size, goods.length);
});
