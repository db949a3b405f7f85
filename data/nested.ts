import { DataError } from "../core/graph/errors.ts";

/** A typed array of numbers. */
export type TypedNumbers =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;

/** Arrays of numbers, of arrays of numbers, and so on; all rows of one depth have one length. */
export type NestedValues = readonly number[] | readonly TypedNumbers[] | readonly NestedValues[];

/** Whether a value is a typed array of numbers, and not of bigints. */
export function isTyped(value: unknown): value is TypedNumbers {
  return ArrayBuffer.isView(value) && !(value instanceof DataView) &&
    !(value instanceof BigInt64Array || value instanceof BigUint64Array);
}

function isRow(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || isTyped(value);
}

/**
 * Flattens nested arrays into float32 numbers, checking that they make a full block.
 *
 * @param values Nested arrays, `[samples, …]`.
 * @param purpose What cannot be done, and with what, for messages: `"build a data set as x"`.
 * @returns The numbers, row-major, and their shape.
 * @throws {DataError} If there are none, rows differ in length or depth, or something is not a
 * finite number within float32's range; `row` and `column` count from 1.
 */
export function flatten(
  values: NestedValues,
  purpose: string,
): { data: Float32Array<ArrayBuffer>; shape: number[] } {
  const shape: number[] = [];
  for (let level: unknown = values; isRow(level); level = level[0]) {
    if (level.length === 0) {
      throw new DataError(
        `Cannot ${purpose} holds no numbers: received an array of shape ` +
          `[${[...shape, 0].join(", ")}]`,
      );
    }
    shape.push(level.length);
  }
  const data = new Float32Array(shape.reduce((product, length) => product * length, 1));
  const path = shape.map(() => 0);
  let next = 0;
  const visit = (value: unknown, depth: number): void => {
    if (depth === shape.length) {
      data[next] = typeof value === "number" ? value : NaN;
      if (!Number.isFinite(data[next])) {
        throw refuse(purpose, path, "a finite float32 number", describe(value));
      }
      next++;
      return;
    }
    if (!isRow(value) || value.length !== shape[depth]) {
      const expected = `${shape[depth]} values, as in the first sample`;
      throw refuse(purpose, path.slice(0, depth), expected, describe(value));
    }
    for (let i = 0; i < shape[depth]; i++) {
      path[depth] = i;
      visit(value[i], depth + 1);
    }
  };
  visit(values, 0);
  return { data, shape };
}

function refuse(
  purpose: string,
  path: number[],
  expected: string,
  received: string,
): DataError {
  const [sample, ...inside] = path;
  const where = `sample ${sample}` + (inside.length > 0 ? `, position [${inside.join(", ")}]` : "");
  return new DataError(
    `Cannot ${purpose} must be full arrays of numbers: expected ${expected} at ` +
      `${where}, received ${received}`,
    { row: sample + 1, ...(inside.length > 0 ? { column: inside[0] + 1 } : {}) },
  );
}

function describe(value: unknown): string {
  if (isRow(value)) return `${value.length} values`;
  if (typeof value !== "string") return String(value);
  return `${JSON.stringify(value)} (oneHotEncode, stringLookup and tableEncoder number texts)`;
}
