import type { Storage } from "../graph/device.ts";
import type { TensorData } from "../graph/dtype.ts";
import type { Parameter, WeightHolder } from "../nn/parameter.ts";

/** Weights of runs that have ended, on their way back to their models; usually none. */
const returning = new Set<Promise<void>>();

/**
 * Settles when no run is giving weights back any more: whoever takes a model's weights before that
 * takes old ones, and the models of a run are known too late to wait for theirs alone.
 */
export async function allReturned(): Promise<void> {
  await Promise.allSettled(returning);
}

/** The table of a run's weights, as its weights see it. */
export interface HoldingRun {
  /** Calls an action once the step that is being made, if one is, has run. */
  afterStep(action: () => void): void;
  /** True once somebody has been warned that another run trains the same weights. */
  warned: boolean;
}

/** A weight that a run has on its device: there are two copies of it, and one may be newer. */
export class HeldWeight implements WeightHolder {
  /** The {@link Parameter.version} that the device knows of. */
  #version: number;
  /** How often the device has taken over what the parameter was set to. */
  #refreshed = 0;
  /** True when the device's copy is newer. */
  #newer = false;
  /** The device's copy, on its way. */
  #coming: Promise<void> | undefined;
  /** True once a step has changed it. */
  #trained = false;

  /**
   * @param parameter The weight.
   * @param name Its name in the run: two models may have a `dense_1/kernel` each.
   * @param storage Its memory on the device.
   * @param run The table that it stands in.
   */
  constructor(
    readonly parameter: Parameter,
    readonly name: string,
    readonly storage: Storage,
    private readonly run: HoldingRun,
  ) {
    this.#version = parameter.version;
  }

  /** Steps will change the device's copy: whoever wants the newest one asks here. */
  claim(): void {
    this.parameter.holder ??= this;
  }

  /** Notes that the device has what a file held: also where no step changes it, it is the newer one. */
  restored(): void {
    this.#newer = true;
    this.claim();
  }

  /** Notes that the device's copy has changed. */
  change(): void {
    this.#newer = this.#trained = true;
    const { holder } = this.parameter;
    if (holder === this) return;
    this.parameter.holder = this;
    if (!(holder instanceof HeldWeight) || !holder.#trained || this.parameter.state) return;
    if (this.run.warned || holder.run.warned) return;
    this.run.warned = holder.run.warned = true;
    console.error(
      `Warning: ${this.name} is trained by two runs at once, each on a copy of its own, of which ` +
        `one will be lost: give each run a model of its own, or let one follow the other (concat)`,
    );
  }

  /** Gives the device what the parameter has been set to since. */
  refresh(): void {
    const { version, value, giver } = this.parameter;
    if (version === this.#version) return;
    this.#version = version;
    // Of two runs that train one weight each goes its own way.
    if (giver && this.#trained) return;
    this.storage.write(value);
    this.#refreshed++;
    this.#newer = false;
  }

  /** Gives the parameter what the device has, if that is newer; at once on the CPU. */
  bring(): Promise<void> | void {
    if (!this.#newer) return this.#coming;
    this.#newer = false;
    const refreshed = this.#refreshed;
    const take = (values: ArrayLike<number>) => {
      // What somebody has set it to in the meantime is newer.
      if (this.parameter.version !== this.#version || this.#refreshed !== refreshed) return;
      this.parameter.set(values);
      this.parameter.giver = this;
      this.#version = this.parameter.version;
    };
    const values = this.storage.read();
    if (!(values instanceof Promise)) return take(values);
    const coming = values.then(take).finally(() => {
      if (this.#coming === coming) this.#coming = undefined;
    });
    return this.#coming = coming;
  }

  settle(): Promise<void> {
    return new Promise((resolve, reject) =>
      this.run.afterStep(() => {
        try {
          resolve(this.bring());
        } catch (error) {
          reject(error);
        }
      })
    );
  }

  /** The run has ended: gives the weight back; a promise where that takes time. */
  release(): Promise<void> | void {
    this.#trained = false;
    const coming = this.bring();
    return coming ? this.#return(coming) : this.#leave();
  }

  /** Gives the parameter something else than the run has left in it. */
  replace(values: TensorData | Promise<TensorData>): void {
    if (!(values instanceof Promise)) return this.parameter.set(values);
    // What the run has left may still be on its way.
    const coming = Promise.all([values, this.#coming]).then(([found]) => this.parameter.set(found))
      .finally(() => {
        if (this.#coming === coming) this.#coming = undefined;
      });
    this.#coming = coming;
    this.parameter.holder ??= this;
    void this.#return(coming);
  }

  #return(coming: Promise<void>): Promise<void> {
    const returned = coming.finally(() => {
      if (!this.#coming) this.#leave();
      returning.delete(returned);
    });
    // Whoever waits for the weights sees the error.
    returned.catch(() => {});
    returning.add(returned);
    return returned;
  }

  #leave(): void {
    if (this.parameter.holder === this) this.parameter.holder = undefined;
  }
}
