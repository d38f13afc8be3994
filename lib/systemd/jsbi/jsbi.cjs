// dbus-next's big integers for a Node that has none of its own: it asks for them only when it is told to (setBigIntCompat).
module.exports = {};
