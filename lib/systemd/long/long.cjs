// What dbus-next uses of the package long, by the language's own means: a unit has some hundred 64-bit numbers, and the package
// compiles WebAssembly to divide them for their digits.
module.exports = class Long {
  /**
   * @param {number} low 32 bits, signed or not
   * @param {number} high 32 bits, signed or not
   * @param {boolean} unsigned how both together are read
   */
  constructor(low, high, unsigned) {
    this.low = low | 0;
    this.high = high | 0;
    this.unsigned = unsigned;
  }

  static fromString(text, unsigned) {
    const bits = BigInt.asUintN(64, BigInt(text));
    return new Long(Number(bits & 0xffffffffn), Number(bits >> 32n), unsigned);
  }

  toString() {
    const bits = (BigInt(this.high >>> 0) << 32n) | BigInt(this.low >>> 0);
    return String(this.unsigned ? bits : BigInt.asIntN(64, bits));
  }
};
