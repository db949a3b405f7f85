import { Worker } from "node:worker_threads";
import { Observable, type Subscriber } from "rxjs";
import type { ParameterValues, Space } from "./space.ts";
import type { Objective, TrialContext, TrialEpoch } from "./trial.ts";
import type { FromWorker, ToWorker } from "./worker_messages.ts";

/** Why no trial can be run at all. */
export class ObjectiveError extends Error {
  /** The class's name. */
  override name = "ObjectiveError";
}

/** Workers that run trials of one module's objective, one trial each at a time. */
export class WorkerPool implements Disposable {
  readonly #idle: WorkerThread[] = [];
  readonly #all = new Set<WorkerThread>();

  /** @param module Address of the module whose default export is the objective. */
  constructor(private readonly module: URL) {}

  /** The objective, in a Worker. */
  readonly objective: Objective<Space> = (parameters, trial) =>
    new Observable<TrialEpoch>((subscriber) => {
      const thread = this.#rested() ?? this.#start();
      this.#all.add(thread);
      thread.run(parameters as ParameterValues, trial, subscriber);
      return () => {
        thread.leave();
        if (thread.isAlive) this.#idle.push(thread);
        else this.#all.delete(thread);
      };
    });

  /** One that waits for a trial, unless it has died meanwhile of what its last one left behind. */
  #rested(): WorkerThread | undefined {
    for (let thread = this.#idle.pop(); thread; thread = this.#idle.pop()) {
      if (thread.isAlive) return thread;
      this.#all.delete(thread);
    }
  }

  #start(): WorkerThread {
    try {
      return new WorkerThread(this.module.href);
    } catch (error) {
      throw new ObjectiveError(`Cannot start a Worker: ${(error as Error).message}`);
    }
  }

  /** Ends all Workers. */
  [Symbol.dispose](): void {
    for (const thread of this.#all) thread.terminate();
  }
}

/** One Worker. */
class WorkerThread {
  // Node's kind: it tells when it has ended, also by Deno.exit, where the web's says nothing.
  readonly #worker = new Worker(new URL("./trial_worker.ts", import.meta.url));
  #subscriber: Subscriber<TrialEpoch> | undefined;
  #number = 0;
  #alive = true;

  /** Whether it can run a trial. */
  get isAlive(): boolean {
    return this.#alive;
  }

  constructor(private readonly module: string) {
    this.#worker.on("message", (message: FromWorker) => this.#hear(message));
    this.#worker.on("error", (error) => this.#crash(`its Worker failed: ${error.message}`));
    this.#worker.on("exit", (code) => this.#crash(`its Worker ended with exit code ${code}`));
  }

  run(parameters: ParameterValues, trial: TrialContext, subscriber: Subscriber<TrialEpoch>): void {
    this.#subscriber = subscriber;
    this.#number = trial.number;
    this.#say({ type: "run", module: this.module, parameters, trial });
  }

  /** Ends its trial. */
  leave(): void {
    this.#subscriber = undefined;
    if (this.#alive) this.#say({ type: "stop", number: this.#number });
  }

  terminate(): void {
    this.#alive = false;
    void this.#worker.terminate();
  }

  #say(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #hear(message: FromWorker): void {
    const subscriber = this.#subscriber;
    // What is still on its way from a trial that was stopped.
    if (!subscriber || message.number !== this.#number) return;
    switch (message.type) {
      case "epoch":
        subscriber.next(message.epoch);
        if (!subscriber.closed) this.#say({ type: "continue", number: this.#number });
        return;
      case "complete":
        return subscriber.complete();
      case "error":
        return subscriber.error(new Error(message.message));
      case "refused":
        return subscriber.error(
          new ObjectiveError(`Cannot run trials of "${this.module}": ${message.message}`),
        );
    }
  }

  #crash(reason: string): void {
    this.#alive = false;
    this.#subscriber?.error(new Error(reason));
  }
}
