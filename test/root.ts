import * as assert from 'uvu/assert';

/** A test that gives files away, or is somebody else for a while, fails where nobody may do that. */
export function requireRoot(): void {
  assert.is(process.geteuid?.(), 0, 'missing: the rights of root, to give files away and to be another user');
}
