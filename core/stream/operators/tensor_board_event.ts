import { joined } from "../../state/joined.ts";
import {
  bytesField,
  doubleField,
  doublesField,
  floatField,
  message,
  type Parts,
  textField,
  wholeField,
} from "../../state/protobuf.ts";
import type { WeightHistogram } from "./tensor_board_histogram.ts";

/** A value of a summary: a scalar or a histogram under its tag. */
export type SummaryValue =
  | { readonly tag: string; readonly scalar: number }
  | { readonly tag: string; readonly histogram: WeightHistogram };

/**
 * The event that begins a file: message `Event` with `wall_time` and `file_version`.
 *
 * @param wallTime Seconds since 1970.
 */
export function versionEvent(wallTime: number): Uint8Array {
  return joined(message([doubleField(1, wallTime), textField(3, "brain.Event:2")]));
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
  const summary = message(values.map((value) => bytesField(1, encodeValue(value))));
  return joined(
    message([doubleField(1, wallTime), wholeField(2, step), bytesField(5, summary)]),
  );
}

/** Message `Summary.Value`. */
function encodeValue(value: SummaryValue): Parts {
  return message([
    textField(1, value.tag),
    "scalar" in value
      ? floatField(2, value.scalar)
      : bytesField(5, encodeHistogram(value.histogram)),
  ]);
}

/** Message `HistogramProto`. */
function encodeHistogram(histogram: WeightHistogram): Parts {
  const { min, max, count, sum, sumOfSquares, limits, counts } = histogram;
  return message([
    ...[min, max, count, sum, sumOfSquares].map((value, place) => doubleField(place + 1, value)),
    ...[limits, counts].map((values, place) => doublesField(place + 6, values)),
  ]);
}
