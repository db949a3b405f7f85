import type { RunDescription } from "./epoch.ts";
import type { ProfiledStep } from "./profile_summary.ts";

/** An event of Chrome's trace format; times are microseconds. */
export interface TraceEvent {
  /** What it is. */
  readonly name: string;
  /** `X`: it has a duration; `M`: it names a row. */
  readonly ph: "X" | "M";
  /** The process; always 1. */
  readonly pid: number;
  /** The row. */
  readonly tid: number;
  /** When it began. */
  readonly ts?: number;
  /** How long it took. */
  readonly dur?: number;
  /** Its kind, for filters. */
  readonly cat?: string;
  /** What is shown when it is selected. */
  readonly args?: Readonly<Record<string, string | number>>;
}

/**
 * Profiled steps as a trace for chrome://tracing and Perfetto: a row a thread or queue, in it the
 * steps, in them kernels and waiting.
 *
 * Source: Trace Event Format, "complete" and "metadata" events.
 */
export function traceEvents(
  steps: readonly ProfiledStep[],
  device: RunDescription["device"],
): TraceEvent[] {
  const most = steps.reduce((a, b) => b.profile.lanes.length > a.profile.lanes.length ? b : a);
  const zero = Math.min(...steps.map(({ profile }) => profile.start));
  const named = (name: string, tid: number, text: string): TraceEvent => ({
    ...{ name, ph: "M", pid: 1, tid },
    args: { name: text },
  });
  return [
    named("process_name", 0, `Millrace on ${device.type}: ${device.name}`),
    ...most.profile.lanes.map((lane, row) => named("thread_name", row + 1, lane)),
    ...steps.flatMap((step) => stepEvents(step, zero)),
  ];
}

function stepEvents({ step, profile }: ProfiledStep, zero: number): TraceEvent[] {
  return profile.lanes.flatMap((_, lane) => {
    const spans = profile.spans.filter((span) => span.lane === lane);
    if (spans.length === 0) return [];
    const complete = (start: number, end: number) => ({
      ph: "X" as const,
      pid: 1,
      tid: lane + 1,
      ts: (start - zero) * 1000,
      dur: (end - start) * 1000,
    });
    const whole = complete(spans[0].start, spans[spans.length - 1].end);
    return [
      { name: `step ${step}`, cat: "step", ...whole },
      ...spans.map(({ kernel, start, end }): TraceEvent => {
        const timed = complete(start, end);
        if (kernel < 0) return { name: "waiting for other threads", cat: "waiting", ...timed };
        const { name, flops, bytes } = profile.kernels[kernel];
        return { name, cat: "kernel", ...timed, args: { flops, bytes } };
      }),
    ];
  });
}

/** The bytes of a trace file. */
export function encodeTrace(events: readonly TraceEvent[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ traceEvents: events, displayTimeUnit: "ns" }));
}
