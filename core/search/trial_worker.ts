/**
 * What runs in a Worker: one trial after the other, each by the objective of its module.
 *
 * @module
 */
import { parentPort } from "node:worker_threads";
import { defer, type Subscription } from "rxjs";
import type { Space } from "./space.ts";
import type { Objective, TrialEpoch } from "./trial.ts";
import type { FromWorker, ToWorker } from "./worker_messages.ts";

/** The trial that runs, and what lets it go on after an epoch. */
let running: { number: number; subscription?: Subscription; goOn?: () => void } | undefined;

// There is no port where this is no Worker, as when its docs are tested.
function say(message: FromWorker): void {
  parentPort!.postMessage(message);
}

async function objectiveOf(module: string): Promise<Objective<Space>> {
  const { default: objective } = await import(module);
  if (typeof objective === "function") return objective;
  throw new TypeError(
    `its default export must be the objective, a function: received ${typeof objective}`,
  );
}

async function run({ module, parameters, trial }: Extract<ToWorker, { type: "run" }>) {
  const { number } = trial;
  const own: typeof running = { number };
  running = own;
  let objective: Objective<Space>;
  try {
    objective = await objectiveOf(module);
  } catch (error) {
    say({ type: "refused", number, message: textOf(error) });
    return;
  }
  // Stopped before it began.
  if (running !== own) return;
  own.subscription = defer(() => objective(parameters, trial)).subscribe({
    next: (epoch) => tell(own, epoch),
    error: (error) => say({ type: "error", number, message: textOf(error) }),
    complete: () => say({ type: "complete", number }),
  });
}

function tell(own: NonNullable<typeof running>, event: TrialEpoch): void {
  const { epoch, step, logs } = event;
  // So that the pruner has judged it before the next one begins.
  event.hold?.(new Promise<void>((resolve) => own.goOn = resolve));
  say({ type: "epoch", number: own.number, epoch: { epoch, step, logs } });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

parentPort?.on("message", (message: ToWorker) => {
  if (message.type === "run") {
    void run(message);
  } else if (running?.number === message.number) {
    const { subscription, goOn } = running;
    if (message.type === "stop") {
      running = undefined;
      subscription?.unsubscribe();
    }
    goOn?.();
  }
});
