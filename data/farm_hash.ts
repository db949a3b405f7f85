const mask = (1n << 64n) - 1n;
const k0 = 0xc3a5c85c97cb3127n;
const k1 = 0xb492b66fbe98f273n;
const k2 = 0x9ae16a3b2f90404fn;

const word = (value: bigint): bigint => value & mask;
const rotate = (value: bigint, by: bigint): bigint =>
  by === 0n ? value : word(value >> by | value << 64n - by);
const shiftMix = (value: bigint): bigint => value ^ value >> 47n;

function mix(u: bigint, v: bigint, factor: bigint): bigint {
  const a = shiftMix(word((u ^ v) * factor));
  return word(shiftMix(word((v ^ a) * factor)) * factor);
}

/**
 * The 64 bits of FarmHash's `Fingerprint64`: the same on every machine, for ever.
 *
 * @param bytes What is hashed.
 * @returns A whole number below 2⁶⁴.
 *
 * Source: G. Pike, farmhash 1.1, `farmhashna::Hash64`. TensorFlow: `to_hash_bucket_fast`.
 */
export function farmHash64(bytes: Uint8Array): bigint {
  const { length, buffer, byteOffset } = bytes;
  const view = new DataView(buffer, byteOffset, length);
  const at = (place: number) => view.getBigUint64(place, true);
  if (length <= 16) return hashTo16(bytes, view);
  const factor = word(k2 + 2n * BigInt(length));
  if (length <= 32) {
    const [a, b] = [word(at(0) * k1), at(8)];
    const [c, d] = [word(at(length - 8) * factor), word(at(length - 16) * k2)];
    const first = word(rotate(word(a + b), 43n) + rotate(c, 30n) + d);
    return mix(first, word(a + rotate(word(b + k2), 18n) + c), factor);
  }
  if (length > 64) return hashLong(at, length);
  const [a, b] = [word(at(0) * k2), at(8)];
  const [c, d] = [word(at(length - 8) * factor), word(at(length - 16) * k2)];
  const y = word(rotate(word(a + b), 43n) + rotate(c, 30n) + d);
  const z = mix(y, word(a + rotate(word(b + k2), 18n) + c), factor);
  const [e, f] = [word(at(16) * factor), at(24)];
  const g = word((y + at(length - 32)) * factor);
  const h = word((z + at(length - 24)) * factor);
  const first = word(rotate(word(e + f), 43n) + rotate(g, 30n) + h);
  return mix(first, word(e + rotate(word(f + a), 18n) + g), factor);
}

function hashTo16(bytes: Uint8Array, view: DataView): bigint {
  const { length } = bytes;
  const size = BigInt(length);
  const factor = word(k2 + 2n * size);
  if (length >= 8) {
    const a = word(view.getBigUint64(0, true) + k2);
    const b = view.getBigUint64(length - 8, true);
    const c = word(rotate(b, 37n) * factor + a);
    return mix(c, word((rotate(a, 25n) + b) * factor), factor);
  }
  if (length >= 4) {
    const [first, last] = [0, length - 4].map((place) => BigInt(view.getUint32(place, true)));
    return mix(word(size + (first << 3n)), last, factor);
  }
  if (length === 0) return k2;
  const y = BigInt(bytes[0] + bytes[length >> 1] * 256);
  const z = BigInt(length + bytes[length - 1] * 4);
  return word(shiftMix(word(y * k2) ^ word(z * k0)) * k2);
}

type Read = (place: number) => bigint;

function mixWeakly(at: Read, from: number, a: bigint, b: bigint): [bigint, bigint] {
  const first = word(a + at(from));
  const turned = rotate(word(b + first + at(from + 24)), 21n);
  const sum = word(first + at(from + 8) + at(from + 16));
  return [word(sum + at(from + 24)), word(turned + rotate(sum, 44n) + first)];
}

function hashLong(at: Read, length: number): bigint {
  const seed = 81n;
  let x = word(seed * k2 + at(0));
  let y = word(seed * k1 + 113n);
  let z = word(shiftMix(word(y * k2 + 113n)) * k2);
  let [v, w] = [[0n, 0n], [0n, 0n]];
  const turn = (from: number, factor: bigint, nine: bigint) => {
    x = word(rotate(word(x + y + v[0] + at(from + 8)), 37n) * factor);
    y = word(rotate(word(y + v[1] + at(from + 48)), 42n) * factor);
    x ^= word(w[1] * nine);
    y = word(y + v[0] * nine + at(from + 40));
    z = word(rotate(word(z + w[0]), 33n) * factor);
    v = mixWeakly(at, from, word(v[1] * factor), word(x + w[0]));
    w = mixWeakly(at, from + 32, word(z + w[1]), word(y + at(from + 16)));
    [z, x] = [x, z];
  };
  const end = Math.floor((length - 1) / 64) * 64;
  for (let from = 0; from < end; from += 64) turn(from, k1, 1n);
  const factor = word(k1 + ((z & 0xffn) << 1n));
  w[0] = word(w[0] + BigInt((length - 1) & 63));
  v[0] = word(v[0] + w[0]);
  w[0] = word(w[0] + v[0]);
  turn(length - 64, factor, 9n);
  return mix(
    word(mix(v[0], w[0], factor) + shiftMix(y) * k0 + z),
    word(mix(v[1], w[1], factor) + x),
    factor,
  );
}
