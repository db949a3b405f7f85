import type { Operation } from "../graph/operation.ts";

const operations = new Map<string, Operation>();

/** Enters an op into the table from which tests, docs and devices work; gives it back. */
export function register<Op extends Operation>(operation: Op): Op {
  if (operations.has(operation.name)) {
    throw new Error(`Cannot register the op "${operation.name}" twice: choose another name`);
  }
  operations.set(operation.name, operation);
  return operation;
}

/** Every op that has been registered, in order of name. */
export function registeredOperations(): Operation[] {
  return [...operations.values()].sort((a, b) => a.name < b.name ? -1 : 1);
}
