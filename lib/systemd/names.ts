const root = '/org/freedesktop/systemd1';

/** Where systemd's manager object lives on the bus. */
export const manager = {
  destination: 'org.freedesktop.systemd1',
  path: root,
  interface: 'org.freedesktop.systemd1.Manager',
};

/** The object path of a unit: every byte outside `[A-Za-z0-9]` becomes `_xx` (sd_bus_path_encode(3)). */
export function unitPath(unit: string): string {
  const escaped = [...Buffer.from(unit)].map((byte, place) => {
    const letter = String.fromCharCode(byte);
    const isPlain = /[A-Za-z]/.test(letter) || (/[0-9]/.test(letter) && place > 0);
    return isPlain ? letter : `_${byte.toString(16).padStart(2, '0')}`;
  });
  return `${root}/unit/${escaped.join('')}`;
}

/** A name as a part of a unit name: what systemd does not allow there becomes `\xNN` (systemd-escape(1)). */
export function escapeUnitName(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => String.fromCharCode(byte))
    .map((letter) =>
      /[A-Za-z0-9:_.-]/.test(letter) ? letter : `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`,
    )
    .join('');
}
