import { Tensor } from "../graph/tensor.ts";

/** One tensor, or tensors by name: what goes into a model and what comes out of it. */
export type Tensors = Tensor | Readonly<Record<string, Tensor>>;

/** A value for each tensor of `X`: one where `X` is one tensor, else a record of the same names. */
export type Like<X extends Tensors, Value> = X extends Tensor ? Value
  : { readonly [Name in keyof X]: Value };

/** One value, or values by name. */
export type OneOrNamed<Value> = Value | Readonly<Record<string, Value>>;

/** A value and its name; the name of one that stands alone is `null`. */
export type NamedEntry<Value> = readonly [name: string | null, value: Value];

/** Names and values, in order; `isOne` tells a value that stands alone from a record. */
export function entriesOf<Value>(
  values: OneOrNamed<Value>,
  isOne: (values: OneOrNamed<Value>) => boolean,
): NamedEntry<Value>[] {
  return isOne(values)
    ? [[null, values as Value]]
    : Object.entries(values as Readonly<Record<string, Value>>);
}

/** The opposite of {@link entriesOf}. */
export function fromEntries<Value>(entries: readonly NamedEntry<Value>[]): OneOrNamed<Value> {
  return entries.length === 1 && entries[0][0] === null
    ? entries[0][1]
    : Object.fromEntries(entries as readonly [string, Value][]);
}

/** The results of `change` for each value, under the same names. */
export function mapNamed<Value, Result>(
  values: OneOrNamed<Value>,
  isOne: (values: OneOrNamed<Value>) => boolean,
  change: (value: Value, name: string | null) => Result,
): OneOrNamed<Result> {
  const entries = entriesOf(values, isOne);
  return fromEntries(entries.map(([name, value]) => [name, change(value, name)] as const));
}

/** Names and tensors, in order. */
export function tensorEntries(tensors: Tensors): NamedEntry<Tensor>[] {
  return entriesOf<Tensor>(tensors, (value) => value instanceof Tensor);
}

/** Names for a message: `kind, price`; `isOne` in words where there are none. */
export function listNames(names: Iterable<string | null>): string {
  const given = [...names];
  if (given.length === 0) return "none";
  return given.map((name) => name ?? "one without a name").join(", ");
}
