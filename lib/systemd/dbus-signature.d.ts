/** What dbus-next has no types for. */
declare module 'dbus-next/lib/signature.js' {
  const signatures: { parseSignature: (signature: string) => unknown[] };
  export default signatures;
}
