/** The bytes of event files: framing, checksums, messages, histograms. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  summaryEvent,
  versionEvent,
} from "../../../../core/stream/operators/tensor_board_event.ts";
import { histogramOf } from "../../../../core/stream/operators/tensor_board_histogram.ts";
import {
  crc32c,
  encodeRecord,
  endOfRecords,
} from "../../../../core/stream/operators/tensor_board_record.ts";
import { readEvents, readFields, readRecords, slowCrc } from "./event_file.ts";

const joined = (parts: readonly Uint8Array[]) =>
  Uint8Array.from(parts.flatMap((part) => [...part]));

Deno.test("crc32c gives the known answers of RFC 3720, and that of the digits", () => {
  const up = Uint8Array.from({ length: 32 }, (_, place) => place);
  const answers: [Uint8Array, number][] = [
    [new Uint8Array(32), 0x8a9136aa],
    [new Uint8Array(32).fill(0xff), 0x62a8ab43],
    [up, 0x46dd794e],
    [up.toReversed(), 0x113fdb5c],
    [new TextEncoder().encode("123456789"), 0xe3069283],
    [new Uint8Array(0), 0],
  ];
  for (const [bytes, sum] of answers) {
    assert.equal(crc32c(bytes), sum);
    assert.equal(slowCrc(bytes), sum, "the reader's own");
  }
});

Deno.test("a record has the bytes that TensorBoard writes", () => {
  // What the RecordWriter of TensorBoard 2.21 makes of b"brain".
  const data = new TextEncoder().encode("brain");
  const sums = [[0xea, 0xb2, 0x04, 0x3e], [0x92, 0xd2, 0x79, 0xcb]];
  const record = encodeRecord(data);
  assert.deepEqual([...record], [5, 0, 0, 0, 0, 0, 0, 0, ...sums[0], ...data, ...sums[1]]);
  assert.deepEqual(readRecords(record), [data]);
});

Deno.test("records of any bytes are read back, and the end of whole ones is found", () => {
  const records = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 6 });
  fc.assert(fc.property(records, fc.nat(), fc.nat(), (datas, cut, count) => {
    const encoded = datas.map(encodeRecord);
    const file = joined(encoded);
    assert.deepEqual(readRecords(file), datas.map((data) => Uint8Array.from(data)));
    const ends = encoded.map((_, place) => joined(encoded.slice(0, place + 1)).length);
    const most = count % (datas.length + 1);
    assert.equal(endOfRecords(file, 0, most), [0, ...ends][most]);
    assert.equal(endOfRecords(file, ends[0]), file.length);
    // As a process that was killed leaves it.
    const torn = file.subarray(0, cut % file.length);
    assert.equal(endOfRecords(torn, 0), ends.findLast((end) => end <= torn.length) ?? 0);
    // A byte that has changed ends it before its record.
    const damaged = file.slice();
    damaged[cut % file.length] ^= 1;
    assert.equal(
      endOfRecords(damaged, 0),
      [0, ...ends].findLast((end) => end <= cut % file.length),
    );
  }));
});

Deno.test("an event holds time, step and scalars as float32", () => {
  const scalar = fc.record({ tag: fc.string({ minLength: 1 }), scalar: fc.float() });
  const step = fc.oneof(fc.nat(), fc.maxSafeNat());
  const values = fc.uniqueArray(scalar, { selector: ({ tag }) => tag, maxLength: 5 });
  fc.assert(fc.property(fc.double({ noNaN: true }), step, values, (time, step, values) => {
    const utf8 = values.every(({ tag }) => tag.isWellFormed() && tag !== "__proto__");
    fc.pre(utf8);
    const file = joined([versionEvent(time), summaryEvent(time, step, values)].map(encodeRecord));
    assert.deepEqual(readEvents(file), [
      { wallTime: time, step: 0, version: "brain.Event:2", scalars: {}, histograms: {} },
      {
        wallTime: time,
        step,
        scalars: Object.fromEntries(values.map(({ tag, scalar }) => [tag, scalar])),
        histograms: {},
      },
    ]);
  }));
});

Deno.test("events are those of TensorBoard's own messages, byte for byte", () => {
  // Event(wall_time=1.5, file_version="brain.Event:2").SerializeToString()
  const version = new TextEncoder().encode("brain.Event:2");
  assert.deepEqual(
    [...versionEvent(1.5)],
    [0x09, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0x1a, 13, ...version],
  );
  // Event(wall_time=1.5, step=300, summary=Summary(value=[Summary.Value(tag="a", simple_value=0.5)]))
  assert.deepEqual(
    [...summaryEvent(1.5, 300, [{ tag: "a", scalar: 0.5 }])],
    [
      ...[0x09, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0x10, 0xac, 0x02],
      ...[0x2a, 10, 0x0a, 8, 0x0a, 1, 0x61, 0x15, 0, 0, 0, 0x3f],
    ],
  );
});

Deno.test("a histogram counts every element in the bucket where it lies", () => {
  const elements = fc.float32Array({
    minLength: 1,
    maxLength: 200,
    noNaN: true,
    noDefaultInfinity: true,
  });
  fc.assert(fc.property(elements, (elements) => {
    const histogram = histogramOf(elements)!;
    const event = summaryEvent(0, 7, [{ tag: "w", histogram }]);
    const [{ step, histograms: { w } }] = readEvents(encodeRecord(event));
    assert.equal(step, 7);
    const all = [...elements];
    const [min, max, count, sum, squares] = w.numbers;
    assert.deepEqual([min, max, count].map((value) => value + 0), [
      all.reduce((a, b) => Math.min(a, b)) + 0,
      all.reduce((a, b) => Math.max(a, b)) + 0,
      all.length,
    ]);
    assert.equal(sum, all.reduce((a, b) => a + b, 0));
    assert.equal(squares, all.reduce((a, b) => a + b * b, 0));
    assert.equal(w.counts.length, min === max ? 1 : 30);
    assert.equal(w.limits.at(-1), max);
    assert.equal(w.counts.reduce((a, b) => a + b), all.length);
    // Elements up to each limit, but for those that rounding puts on its other side.
    const slack = Math.max(Math.abs(min), Math.abs(max)) * 1e-15 + (max - min) * 1e-12;
    let below = 0;
    w.limits.forEach((limit, place) => {
      below += w.counts[place];
      assert.ok(below >= all.filter((element) => element < limit - slack).length);
      assert.ok(below <= all.filter((element) => element <= limit + slack).length);
    });
  }));
});

Deno.test("a histogram leaves out what is not finite, and there is none of nothing", () => {
  const histogram = histogramOf(Float32Array.of(NaN, 1, Infinity, 3, -Infinity, 1))!;
  const { min, max, count, sum, sumOfSquares, counts } = histogram;
  assert.deepEqual([min, max, count, sum, sumOfSquares], [1, 3, 3, 5, 11]);
  assert.deepEqual([counts[0], counts[29]], [2, 1]);
  assert.equal(histogramOf(Float32Array.of(NaN, Infinity)), undefined);
  assert.equal(histogramOf(new Float32Array(0)), undefined);
});

Deno.test("the fields of messages have the numbers of TensorBoard's definitions", () => {
  const histogram = histogramOf(Float32Array.of(1, 2))!;
  const event = readFields(summaryEvent(1, 2, [{ tag: "w", histogram }]));
  assert.deepEqual([...event.keys()], [1, 2, 5]);
  const value = readFields(readFields(event.get(5)![0] as Uint8Array).get(1)![0] as Uint8Array);
  assert.deepEqual([...value.keys()], [1, 5]);
  const histo = readFields(value.get(5)![0] as Uint8Array);
  assert.deepEqual([...histo.keys()], [1, 2, 3, 4, 5, 6, 7]);
});
