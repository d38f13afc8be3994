// node:crypto for dbus-next, which needs it only where a server wants DBUS_COOKIE_SHA1: loaded when it is.
exports.createHash = (name) => require('node:crypto').createHash(name);
exports.randomBytes = (size) => require('node:crypto').randomBytes(size);
