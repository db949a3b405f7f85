import { received } from "../state/received.ts";
import type { AnyDifferentiated, AnyScored } from "./stages.ts";

/** The stages in the order of a pipe, and what a step has from each of them on. */
const order = [
  { stage: "miniBatches", has: "frame" },
  { stage: "forward", has: "outputs" },
  { stage: "loss", has: "loss" },
  { stage: "backward", has: "gradients" },
  { stage: "update", has: "optimizer" },
] as const;

/** A stage of the pipe. */
export type StageName = typeof order[number]["stage"];

const properties = new Map(order.map(({ stage, has }) => [stage, has]));

/**
 * Refuses what does not come from a stage, or one below it. The compiler does as well, but not where
 * a pipe of more than nine operators has lost its types, or in JavaScript.
 *
 * @param operator The operator that is given it, for the message.
 * @param above The stage that it must come from.
 * @param event What it is given.
 * @throws {TypeError} when it comes from another place.
 */
export function checkStage(operator: string, above: StageName, event: unknown): void {
  if (!has(event, properties.get(above)!)) refuse(operator, above, event);
}

/**
 * Refuses what is no epoch: a step has no logs yet, and comes often in an epoch.
 *
 * @param operator The operator that is given it, for the message.
 * @param event What it is given.
 * @throws {TypeError} when it comes from another place.
 */
export function checkEpoch(operator: string, event: unknown): void {
  if (!has(event, "epoch") || has(event, "frame")) refuse(operator, "epochs", event);
}

/**
 * Refuses what is no batch of predictions.
 *
 * @param operator The operator that is given it, for the message.
 * @param event What it is given.
 * @throws {TypeError} when it comes from another place.
 */
export function checkPrediction(operator: string, event: unknown): void {
  if (has(event, "explanations")) return;
  refuse(operator, "predictions", event, `predictions(model, x).pipe(${operator}(…))`);
}

const ways = `a pipe goes ${order.map(({ stage }) => stage).join(", ")}, epochs`;

function refuse(operator: string, above: string, event: unknown, way = ways): never {
  const from = order.findLast((stage) => has(event, stage.has))?.stage ??
    (has(event, "logs") ? "epochs" : undefined);
  throw new TypeError(
    `Cannot use ${operator} here as it takes what ${above} gives: received ` +
      `${from ? `what ${from} gives` : received(event)} (${way})`,
  );
}

function has(event: unknown, property: string): boolean {
  return typeof event === "object" && event !== null &&
    (event as Readonly<Record<string, unknown>>)[property] !== undefined;
}

/**
 * Refuses to differentiate a loss once more: what was done to its gradients since would be lost.
 *
 * @param operator The operator that makes gradients, for the message.
 * @param step The step.
 * @throws {RangeError} when it has the gradients of its loss.
 */
export function checkNotDifferentiated(operator: string, step: AnyScored): void {
  if (!has(step, "gradients")) return;
  throw new RangeError(
    `Cannot use ${operator} here as the gradients of this loss have been made above: remove one of ` +
      `the two, or put forward and loss between them`,
  );
}

/**
 * Refuses to change gradients that nobody will use any more.
 *
 * @param operator The operator that changes them, for the message.
 * @param step The step.
 * @throws {RangeError} when updates above have used them all.
 */
export function checkUnused(operator: string, { gradients, updated }: AnyDifferentiated): void {
  if (gradients.size === 0) return;
  for (const parameter of gradients.keys()) if (!updated.has(parameter)) return;
  throw new RangeError(
    `Cannot use ${operator} below update, which has used all of these gradients: put it between ` +
      `backward and update`,
  );
}
