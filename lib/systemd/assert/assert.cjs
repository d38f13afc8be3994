// node:assert for dbus-next, which asks it for two things: it takes longer to load than they do.
const assert = (isTrue, message = 'an assertion failed') => {
  if (!isTrue) throw new Error(message);
};
assert.strictEqual = (one, other, message) => assert(one === other, message);
module.exports = assert;
