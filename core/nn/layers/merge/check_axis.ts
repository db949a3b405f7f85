/** Refuses an axis, counted with the batch, that is no whole number or is the batch. */
export function checkAxis(layer: string, axis: number): void {
  if (Number.isInteger(axis) && axis !== 0) return;
  throw new RangeError(
    `Cannot use the axis of ${layer} as it must be a whole number other than 0, the batch: ` +
      `received ${axis}`,
  );
}
