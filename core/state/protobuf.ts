/**
 * What Protocol Buffers' wire format is made of: a message is its fields, one behind the other.
 *
 * Source: protobuf.dev/programming-guides/encoding.
 */

const utf8 = new TextEncoder();

/** How the format marks what follows a field's number. */
const [varint, fixed64, delimited, fixed32] = [0, 1, 2, 5];

/** A whole number, `int64` or `enum`. */
export function wholeField(field: number, value: number): Uint8Array {
  return joined([key(field, varint), encodeVarint(value)]);
}

/** Bytes, or a message within a message. */
export function bytesField(field: number, bytes: Uint8Array): Uint8Array {
  return joined([key(field, delimited), encodeVarint(bytes.length), bytes]);
}

/** A text. */
export function textField(field: number, text: string): Uint8Array {
  return bytesField(field, utf8.encode(text));
}

/** A `float`. */
export function floatField(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return joined([key(field, fixed32), bytes]);
}

/** A `double`. */
export function doubleField(field: number, value: number): Uint8Array {
  return joined([key(field, fixed64), float64([value])]);
}

/** Many doubles, packed. */
export function doublesField(field: number, values: ArrayLike<number>): Uint8Array {
  return bytesField(field, float64(values));
}

/** Parts as one. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let place = 0;
  for (const part of parts) {
    bytes.set(part, place);
    place += part.length;
  }
  return bytes;
}

function key(field: number, type: number): Uint8Array {
  return encodeVarint(field << 3 | type);
}

/** Seven bits a byte, the lowest first; all but the last have the highest bit. */
function encodeVarint(value: number): Uint8Array {
  const bytes: number[] = [];
  // Divided rather than shifted, as numbers may pass 32 bits.
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push(value % 128 + 128);
  return Uint8Array.of(...bytes, value);
}

function float64(values: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(8 * values.length);
  const view = new DataView(bytes.buffer);
  for (let place = 0; place < values.length; place++) {
    view.setFloat64(8 * place, values[place], true);
  }
  return bytes;
}
