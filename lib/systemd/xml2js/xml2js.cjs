// dbus-next makes a Builder for every connection, whether or not an object is ever exported.
exports.Builder = function Builder() {};
