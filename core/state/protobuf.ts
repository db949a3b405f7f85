/**
 * What Protocol Buffers' wire format is made of: a message is its fields, one behind the other.
 *
 * Source: protobuf.dev/programming-guides/encoding.
 */

const utf8 = new TextEncoder();

/** How the format marks what follows a field's number. */
const [varint, fixed64, delimited, fixed32] = [0, 1, 2, 5];

/** A message or a field of one, in parts: large ones are copied once, as all of it is joined. */
export type Parts = readonly Uint8Array[];

/** A message of fields. */
export function message(fields: readonly Parts[]): Parts {
  return fields.flat();
}

/** A whole number, `int64` or `enum`, from 0. */
export function wholeField(field: number, value: number): Parts {
  return [key(field, varint), encodeVarint(value)];
}

/** Bytes, or a message within a message. */
export function bytesField(field: number, bytes: Parts): Parts {
  const length = bytes.reduce((sum, part) => sum + part.length, 0);
  return [key(field, delimited), encodeVarint(length), ...bytes];
}

/** A text. */
export function textField(field: number, text: string): Parts {
  return bytesField(field, [utf8.encode(text)]);
}

/** A `float`. */
export function floatField(field: number, value: number): Parts {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return [key(field, fixed32), bytes];
}

/** A `double`. */
export function doubleField(field: number, value: number): Parts {
  return [key(field, fixed64), float64([value])];
}

/** Many doubles, packed. */
export function doublesField(field: number, values: ArrayLike<number>): Parts {
  return bytesField(field, [float64(values)]);
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
