/** Refuses a setting of op `name` that is no finite number from `minimum` up. */
export function checkSetting(
  name: string,
  setting: string,
  value: number,
  minimum = -Infinity,
): void {
  if (typeof value === "number" && Number.isFinite(value) && value >= minimum) return;
  const range = minimum === -Infinity ? "" : ` of at least ${minimum}`;
  throw new RangeError(
    `Cannot apply ${name} as its ${setting} must be a finite number${range}: received ${value}`,
  );
}
