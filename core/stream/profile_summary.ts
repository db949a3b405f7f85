import type { StepProfile } from "../graph/profile.ts";

/** A profile and the number of its step. */
export interface ProfiledStep {
  /** Number of the step since the run began, from 1. */
  readonly step: number;
  /** Where its time went. */
  readonly profile: StepProfile;
}

/** Kernels of one name, over a step. */
export interface KernelSummary {
  /** Ops, shapes and layer. */
  readonly name: string;
  /** Kernels of that name in a step. */
  readonly calls: number;
  /** Microseconds a step. */
  readonly microseconds: number;
  /** Floating-point operations a step. */
  readonly flops: number;
  /** Bytes read and written a step. */
  readonly bytes: number;
}

/** Where the time of a step goes, on average; all times are microseconds a step. */
export interface ProfileSummary {
  /** Steps that were profiled. */
  readonly profiled: number;
  /** Steps over which is averaged. */
  readonly averaged: number;
  /** Kernels, those that take longest first. */
  readonly kernels: readonly KernelSummary[];
  /** What threads wait for each other. */
  readonly waiting: number;
  /** The rest of the step on the device: waking threads, gaps between kernels. */
  readonly dispatch: number;
  /** The host's work between steps; `null` where it is done meanwhile. */
  readonly host: number | null;
  /** All of it. */
  readonly step: number;
}

/**
 * The averages of the faster half of the steps, which no other program has disturbed, of the plan
 * that most of them ran. A kernel's time is the mean over the threads, so that the parts add up to
 * the whole.
 */
export function summarize(steps: readonly ProfiledStep[]): ProfileSummary {
  const same = mostCommon(steps.map(({ profile }) => profile));
  const chosen = same.toSorted((a, b) => a.milliseconds - b.milliseconds)
    .slice(0, Math.ceil(same.length / 2));
  const { kernels, lanes } = chosen[0];
  // Slot 0 is for waiting, as its number is −1.
  const times = new Float64Array(kernels.length + 1);
  for (const { spans } of chosen) {
    for (const { kernel, start, end } of spans) times[kernel + 1] += end - start;
  }
  const perStep = 1000 / (lanes.length * chosen.length);
  const rows = new Map<string, KernelSummary>();
  kernels.forEach(({ name, flops, bytes }, place) => {
    const row = rows.get(name);
    rows.set(name, {
      name,
      calls: (row?.calls ?? 0) + 1,
      microseconds: (row?.microseconds ?? 0) + times[place + 1] * perStep,
      flops: (row?.flops ?? 0) + flops,
      bytes: (row?.bytes ?? 0) + bytes,
    });
  });
  const waiting = times[0] * perStep;
  const inKernels = [...rows.values()].reduce((sum, { microseconds }) => sum + microseconds, 0);
  const whole = chosen.reduce((sum, { milliseconds }) => sum + milliseconds, 0) /
    chosen.length * 1000;
  const dispatch = Math.max(0, whole - inKernels - waiting);
  const host = median(same.flatMap((profile) => profile.host ?? []));
  return {
    profiled: steps.length,
    averaged: chosen.length,
    kernels: [...rows.values()].sort((a, b) => b.microseconds - a.microseconds),
    waiting,
    dispatch,
    host: host === null ? null : host * 1000,
    step: inKernels + waiting + dispatch + (host ?? 0) * 1000,
  };
}

/** The profiles of the plan, on as many threads, that there are most of. */
function mostCommon(profiles: readonly StepProfile[]): StepProfile[] {
  const groups: StepProfile[][] = [];
  for (const profile of profiles) {
    const group = groups.find(([first]) =>
      first.kernels === profile.kernels && first.lanes.length === profile.lanes.length
    );
    if (group) group.push(profile);
    else groups.push([profile]);
  }
  return groups.reduce((most, group) => group.length > most.length ? group : most);
}

function median(values: readonly number[]): number | null {
  return values.length === 0
    ? null
    : values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
