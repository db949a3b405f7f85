/** A clock that a test sets, in milliseconds. */
export interface Clock {
  now: number;
}

/** Runs a test during which `performance.now()` is what its clock says, 0 at first. */
export async function withClock<Result>(
  test: (clock: Clock) => Result | Promise<Result>,
): Promise<Result> {
  const original = performance.now;
  const clock = { now: 0 };
  performance.now = () => clock.now;
  try {
    return await test(clock);
  } finally {
    performance.now = original;
  }
}
