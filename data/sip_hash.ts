const mask = (1n << 64n) - 1n;
const word = (value: bigint): bigint => value & mask;
const rotate = (value: bigint, by: bigint): bigint => word(value << by | value >> 64n - by);

/**
 * The 64 bits of SipHash-2-4: whoever does not know the key cannot make strings of one hash.
 *
 * @param bytes What is hashed.
 * @param key Two whole numbers from 0 to 2⁶⁴ − 1.
 * @returns A whole number below 2⁶⁴.
 *
 * Source: J.-P. Aumasson and D. Bernstein, "SipHash: a fast short-input PRF", 2012. TensorFlow:
 * `to_hash_bucket_strong`.
 */
export function sipHash64(bytes: Uint8Array, [key0, key1]: readonly [bigint, bigint]): bigint {
  let a = key0 ^ 0x736f6d6570736575n;
  let b = key1 ^ 0x646f72616e646f6dn;
  let c = key0 ^ 0x6c7967656e657261n;
  let d = key1 ^ 0x7465646279746573n;
  const round = () => {
    a = word(a + b);
    b = rotate(b, 13n) ^ a;
    a = rotate(a, 32n);
    c = word(c + d);
    d = rotate(d, 16n) ^ c;
    a = word(a + d);
    d = rotate(d, 21n) ^ a;
    c = word(c + b);
    b = rotate(b, 17n) ^ c;
    c = rotate(c, 32n);
  };
  const padded = new Uint8Array((bytes.length >> 3) * 8 + 8);
  padded.set(bytes);
  padded[padded.length - 1] = bytes.length;
  const view = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += 8) {
    const message = view.getBigUint64(at, true);
    d ^= message;
    round();
    round();
    a ^= message;
  }
  c ^= 0xffn;
  for (let turn = 0; turn < 4; turn++) round();
  return a ^ b ^ c ^ d;
}
