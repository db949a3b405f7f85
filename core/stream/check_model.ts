import { received } from "../state/received.ts";

/**
 * Refuses what is no model.
 *
 * @param action What it was given for, as `make a stage as forward`, for messages.
 * @param model What was given.
 * @throws {TypeError} when it is none.
 */
export function checkModel(action: string, model: unknown): void {
  const { apply, parameters } = (model ?? {}) as { apply?: unknown; parameters?: unknown };
  if (typeof apply === "function" && Array.isArray(parameters)) return;
  throw new TypeError(
    `Cannot ${action} takes a model, such as sequential([input([784]), dense(10)]): received ` +
      received(model),
  );
}
