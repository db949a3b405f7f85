/**
 * Reads TensorBoard's event files: written from the format's description, with nothing of what
 * writes them.
 */
import assert from "node:assert/strict";

/** The fields of a Protocol Buffers message: numbers, or the bytes of texts and messages. */
export type Fields = Map<number, (number | Uint8Array)[]>;

/** What the tests look at in an event. */
export interface ReadEvent {
  readonly wallTime: number;
  readonly step: number;
  readonly version?: string;
  readonly scalars: Record<string, number>;
  readonly histograms: Record<string, ReadHistogram>;
}

/** A histogram of a weight. */
export interface ReadHistogram {
  /** `min`, `max`, `num`, `sum` and `sum_squares`. */
  readonly numbers: number[];
  readonly limits: number[];
  readonly counts: number[];
}

/** CRC-32C bit by bit: the remainder of a division by x³² + x²⁸ + x²⁷ + … + 1. */
export function slowCrc(bytes: Uint8Array): number {
  let remainder = 0xffffffffn;
  for (const byte of bytes) {
    remainder ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) {
      remainder = (remainder >> 1n) ^ (remainder & 1n ? 0x82f63b78n : 0n);
    }
  }
  return Number(remainder ^ 0xffffffffn);
}

/** Turned right by 15 bits, plus a constant, modulo 2³². */
function masked(bytes: Uint8Array): number {
  const sum = BigInt(slowCrc(bytes));
  const turned = (sum >> 15n) + (sum % 2n ** 15n) * 2n ** 17n;
  return Number((turned + 0xa282ead8n) % 2n ** 32n);
}

/** The records of a file, all of whose checksums are right. */
export function readRecords(file: Uint8Array): Uint8Array[] {
  const records: Uint8Array[] = [];
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = 0; at < file.length;) {
    const length = view.getUint32(at, true);
    assert.equal(view.getUint32(at + 4, true), 0, "no record has 4 GiB");
    assert.equal(view.getUint32(at + 8, true), masked(file.subarray(at, at + 8)), "of a length");
    const data = file.subarray(at + 12, at + 12 + length);
    assert.equal(data.length, length, "torn");
    assert.equal(view.getUint32(at + 12 + length, true), masked(data), "of the data");
    records.push(data);
    at += 16 + length;
  }
  return records;
}

/** The fields of a message: varints, 8 bytes, bytes, 4 bytes. */
export function readFields(message: Uint8Array): Fields {
  const fields: Fields = new Map();
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n;; shift += 7n) {
      const byte = BigInt(message[at++]);
      value |= (byte & 127n) << shift;
      if (byte < 128n) return Number(value);
    }
  };
  const readers: Record<number, () => number | Uint8Array> = {
    0: varint,
    1: () => view.getFloat64((at += 8) - 8, true),
    2: () => {
      const length = varint();
      return message.subarray(at, at += length);
    },
    5: () => view.getFloat32((at += 4) - 4, true),
  };
  while (at < message.length) {
    const key = varint();
    const values = fields.get(key >> 3) ?? [];
    values.push(readers[key & 7]());
    fields.set(key >> 3, values);
  }
  assert.equal(at, message.length);
  return fields;
}

const text = (bytes: number | Uint8Array) => new TextDecoder().decode(bytes as Uint8Array);

function readHistogram(message: Uint8Array): ReadHistogram {
  const fields = readFields(message);
  const packed = (field: number) => {
    const bytes = fields.get(field)![0] as Uint8Array;
    return [...new Float64Array(bytes.slice().buffer)];
  };
  const numbers = [1, 2, 3, 4, 5].map((field) => fields.get(field)![0] as number);
  return { numbers, limits: packed(6), counts: packed(7) };
}

/** The events of a file. */
export function readEvents(file: Uint8Array): ReadEvent[] {
  return readRecords(file).map((record) => {
    const fields = readFields(record);
    const scalars: Record<string, number> = {};
    const histograms: Record<string, ReadHistogram> = {};
    const summary = fields.get(5)?.[0] as Uint8Array | undefined;
    for (const value of summary ? readFields(summary).get(1) ?? [] : []) {
      const parts = readFields(value as Uint8Array);
      const tag = text(parts.get(1)![0]);
      const histogram = parts.get(5)?.[0] as Uint8Array | undefined;
      if (histogram) histograms[tag] = readHistogram(histogram);
      else scalars[tag] = parts.get(2)![0] as number;
    }
    const version = fields.get(3)?.[0];
    return {
      wallTime: fields.get(1)![0] as number,
      step: (fields.get(2)?.[0] ?? 0) as number,
      ...(version !== undefined && { version: text(version) }),
      scalars,
      histograms,
    };
  });
}

/** The events of the only file of a run. */
export function eventsIn(folder: string): ReadEvent[] {
  const [file, ...others] = [...Deno.readDirSync(folder)];
  assert.deepEqual(others, []);
  assert.match(file.name, /^events\.out\.tfevents\.\d{10}\./);
  return readEvents(Deno.readFileSync(`${folder}/${file.name}`));
}

/** Steps with their scalars, the version left out. */
export function scalarsIn(folder: string): [number, Record<string, number>][] {
  return eventsIn(folder).slice(1).flatMap(({ step, scalars }) =>
    Object.keys(scalars).length > 0 ? [[step, scalars] as [number, Record<string, number>]] : []
  );
}
