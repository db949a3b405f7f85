import { DataError } from "../../graph/errors.ts";

/** What a JSON text may hold. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** An object of a JSON text. */
export type JsonObject = { readonly [name: string]: JsonValue };

/** Nested objects and lists; models within models within models are few. */
const deepest = 100;

/** Names that reach for what all objects share. */
const forbidden = ["__proto__", "constructor", "prototype"];

/** A refusal that names the place in the text: `model.layers[2].config.units`. */
export function refuse(path: string, expected: string, received: unknown): never {
  throw new DataError(
    `Cannot make a model of the JSON as ${path} must be ${expected}: received ${show(received)}`,
  );
}

/** The value of a JSON text, of names and depth that are safe to work on. */
export function parseJson(text: string, longest: number): JsonValue {
  if (typeof text !== "string") refuse("it", "a string", text);
  if (text.length > longest) {
    refuse("it", `at most ${longest} characters (raise maxLength if you trust it)`, text.length);
  }
  let value: JsonValue;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DataError(`Cannot make a model of the JSON: ${(cause as Error).message}`);
  }
  checkNames(value);
  return value;
}

/** An object, with all of the names it must have and none but those it may have. */
export function asObject(
  value: JsonValue,
  path: string,
  required: readonly string[],
  optional: readonly string[] = [],
): JsonObject {
  const object = asRecord(value, path);
  const missing = required.find((name) => !Object.hasOwn(object, name));
  if (missing !== undefined) refuse(`${path}.${missing}`, "there", undefined);
  const strange = Object.keys(object).find((name) =>
    !required.includes(name) && !optional.includes(name)
  );
  if (strange === undefined) return object;
  return refuse(path, `an object of ${[...required, ...optional].join(", ")}`, strange);
}

/** An object of any names. */
export function asRecord(value: JsonValue, path: string): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as JsonObject;
  }
  return refuse(path, "an object", value);
}

/** A list. */
export function asList(value: JsonValue, path: string): readonly JsonValue[] {
  return Array.isArray(value) ? value : refuse(path, "a list", value);
}

/** A string. */
export function asText(value: JsonValue, path: string): string {
  return typeof value === "string" ? value : refuse(path, "a string", value);
}

/** A whole number from 0 to below `end`. */
export function asIndex(value: JsonValue, path: string, end: number, what: string): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value < end) {
    return value;
  }
  return refuse(path, `${what}, a whole number from 0 to below ${end}`, value);
}

function checkNames(value: JsonValue): void {
  // A stack of our own: a text may nest deeper than the language's.
  const stack: { value: JsonValue; depth: number }[] = [{ value, depth: 0 }];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { value, depth } = next;
    if (typeof value !== "object" || value === null) continue;
    if (depth > deepest) refuse("its nesting", `at most ${deepest} deep`, "more");
    for (const [name, child] of Object.entries(value)) {
      if (forbidden.includes(name)) refuse("every name", "a plain one", name);
      stack.push({ value: child, depth: depth + 1 });
    }
  }
}

function show(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
