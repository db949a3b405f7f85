import type { WeightHistogram } from "./tensor_board_histogram.ts";

/** A value of a summary: a scalar or a histogram under its tag. */
export type SummaryValue =
  | { readonly tag: string; readonly scalar: number }
  | { readonly tag: string; readonly histogram: WeightHistogram };

const utf8 = new TextEncoder();

/** How the wire format of Protocol Buffers marks what follows a field's number. */
const [varint, fixed64, delimited, fixed32] = [0, 1, 2, 5];

/**
 * The event that begins a file: message `Event` with `wall_time` and `file_version`.
 *
 * @param wallTime Seconds since 1970.
 */
export function versionEvent(wallTime: number): Uint8Array {
  return joined([double(1, wallTime), bytesField(3, utf8.encode("brain.Event:2"))]);
}

/**
 * The event of a step: message `Event` with `wall_time`, `step` and `summary`.
 *
 * Scalars are `simple_value`, float32, histograms `histo`: every TensorBoard reads both.
 *
 * @param wallTime Seconds since 1970.
 * @param step Number of the step or epoch.
 * @param values Values of the summary.
 *
 * Source: TensorBoard's `event.proto`, `summary.proto` and `histogram.proto`, whose field numbers
 * these are.
 */
export function summaryEvent(
  wallTime: number,
  step: number,
  values: readonly SummaryValue[],
): Uint8Array {
  const summary = joined(values.map((value) => bytesField(1, encodeValue(value))));
  return joined([
    double(1, wallTime),
    key(2, varint),
    encodeVarint(step),
    bytesField(5, summary),
  ]);
}

/** Message `Summary.Value`. */
function encodeValue(value: SummaryValue): Uint8Array {
  return joined([
    bytesField(1, utf8.encode(value.tag)),
    "scalar" in value ? float(2, value.scalar) : bytesField(5, encodeHistogram(value.histogram)),
  ]);
}

/** Message `HistogramProto`. */
function encodeHistogram(histogram: WeightHistogram): Uint8Array {
  const { min, max, count, sum, sumOfSquares, limits, counts } = histogram;
  return joined([
    ...[min, max, count, sum, sumOfSquares].map((value, place) => double(place + 1, value)),
    ...[limits, counts].map((values, place) => bytesField(place + 6, float64(values))),
  ]);
}

function key(field: number, type: number): Uint8Array {
  return encodeVarint(field << 3 | type);
}

/** Seven bits a byte, the lowest first; all but the last have the highest bit. */
function encodeVarint(value: number): Uint8Array {
  const bytes: number[] = [];
  // Divided rather than shifted, as steps may pass 32 bits.
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push(value % 128 + 128);
  return Uint8Array.of(...bytes, value);
}

function bytesField(field: number, bytes: Uint8Array): Uint8Array {
  return joined([key(field, delimited), encodeVarint(bytes.length), bytes]);
}

function double(field: number, value: number): Uint8Array {
  return joined([key(field, fixed64), float64([value])]);
}

function float(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return joined([key(field, fixed32), bytes]);
}

function float64(values: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(8 * values.length);
  const view = new DataView(bytes.buffer);
  for (let place = 0; place < values.length; place++) {
    view.setFloat64(8 * place, values[place], true);
  }
  return bytes;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let place = 0;
  for (const part of parts) {
    bytes.set(part, place);
    place += part.length;
  }
  return bytes;
}
