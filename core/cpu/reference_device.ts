import { allocateData, type DType, type TensorData } from "../graph/dtype.ts";
import type { Device, Executable, PrepareOptions, Storage } from "../graph/device.ts";
import { DisposedError } from "../graph/errors.ts";
import { nodeCost } from "../graph/cost.ts";
import { formatLabel, nodeLabel } from "../graph/label.ts";
import type { ReferenceArray } from "../graph/operation.ts";
import type { KernelWork, ProfileSpan, StepProfile } from "../graph/profile.ts";
import type { Program } from "../graph/program.ts";
import type { Tensor } from "../graph/tensor.ts";
import { measureReference } from "./ceilings.ts";
import { evaluateReference } from "./reference.ts";

/**
 * Opens the float64 reference: a loop for each op, written to be read. It is the definition that
 * the other devices are compared with, and slow.
 */
export function openReference(): Device {
  let disposed = false;
  const check = () => {
    if (!disposed) return;
    throw new DisposedError("Cannot run a program on a device after its disposal: open another");
  };
  const dispose = () => void (disposed = true);
  return {
    type: "reference",
    name: "float64 loops",
    threads: 1,
    stepsInFlight: 1,
    allocate: (dtype, elements, name) => new ReferenceStorage(dtype, elements, name),
    prepare: (program, bind, options = {}) =>
      new ReferenceExecutable(program, bind, options, check),
    measureCeilings: () => Promise.resolve(measureReference()),
    idle: () => Promise.resolve(),
    dispose,
    [Symbol.dispose]: dispose,
  };
}

class ReferenceStorage implements Storage {
  values: Float64Array;
  #disposed = false;

  constructor(readonly dtype: DType, readonly elements: number, private readonly name: string) {
    this.values = new Float64Array(elements);
  }

  write(data: TensorData, offset = 0): void {
    this.#check();
    this.values.set(data, offset);
  }

  read(): TensorData {
    this.#check();
    return toData(this.dtype, this.values);
  }

  copyFrom(source: Storage): void {
    this.#check();
    const from = source as ReferenceStorage;
    from.#check();
    this.values.set(from.values);
  }

  dispose(): void {
    this.#disposed = true;
  }

  #check(): void {
    if (this.#disposed) throw new DisposedError(`Cannot use "${this.name}" after its disposal`);
  }
}

class ReferenceExecutable implements Executable {
  readonly scalars: readonly Tensor[];
  readonly #recorded: number;
  readonly #leaves: readonly Tensor[];
  /** One for each tensor that a step computes; known once a step has been profiled. */
  readonly #kernels: KernelWork[] = [];
  readonly #kernelNumbers = new Map<Tensor, number>();
  #finished: number | null = null;
  #rows: number[] = [];
  #outputs: readonly ReferenceArray[] = [];
  #disposed = false;

  constructor(
    private readonly program: Program,
    private readonly bind: (leaf: Tensor) => Storage,
    options: PrepareOptions,
    private readonly checkDevice: () => void,
  ) {
    const named = (name: string) =>
      program.order.filter(({ operation }) => operation.name === name);
    this.scalars = named("scalar");
    this.#leaves = [...named("input"), ...named("state")];
    this.#recorded = options.recorded ?? 0;
  }

  run(scalars: ArrayLike<number>): undefined {
    this.#step(scalars, () => {});
  }

  profile(scalars: ArrayLike<number>): StepProfile {
    const start = performance.now();
    const spans: ProfileSpan[] = [];
    this.#step(scalars, (node, begun, end) => {
      if (node.operation.kind === "leaf") return;
      spans.push({ kernel: this.#kernelOf(node), lane: 0, start: begun, end });
    });
    const host = this.#finished === null ? null : start - this.#finished;
    this.#finished = performance.now();
    const milliseconds = this.#finished - start;
    return { kernels: this.#kernels, lanes: ["thread 1"], spans, start, milliseconds, host };
  }

  #kernelOf(node: Tensor): number {
    let kernel = this.#kernelNumbers.get(node);
    if (kernel === undefined) {
      kernel = this.#kernels.push({ name: formatLabel(nodeLabel(node)), ...nodeCost(node) }) - 1;
      this.#kernelNumbers.set(node, kernel);
    }
    return kernel;
  }

  #step(scalars: ArrayLike<number>, watch: Parameters<typeof evaluateReference>[2]): void {
    this.checkDevice();
    if (this.#disposed) throw new DisposedError("Cannot run a program after its disposal");
    const bindings = new Map<Tensor, ReferenceArray>();
    this.scalars.forEach((leaf, place) => {
      bindings.set(leaf, { shape: [], dtype: leaf.dtype, data: Float64Array.of(scalars[place]) });
    });
    for (const leaf of this.#leaves) {
      const { values } = this.bind(leaf) as ReferenceStorage;
      bindings.set(leaf, { shape: leaf.shape, dtype: leaf.dtype, data: values });
    }
    const { outputs, assignments } = this.program;
    const roots = [...outputs, ...assignments.map(({ value }) => value)];
    const results = evaluateReference(roots, bindings, watch);
    assignments.forEach(({ state }, place) => {
      // A new array: the results may hold the old one.
      (this.bind(state) as ReferenceStorage).values = results[outputs.length + place].data.slice();
    });
    this.#outputs = results.slice(0, outputs.length);
    for (const { data } of results.slice(0, this.#recorded)) {
      for (const value of data) this.#rows.push(value);
    }
  }

  drain(): Float64Array {
    const rows = Float64Array.from(this.#rows);
    this.#rows = [];
    return rows;
  }

  read(output: number): TensorData {
    if (this.#disposed) throw new DisposedError("Cannot read a program after its disposal");
    const { dtype, data } = this.#outputs[output];
    return toData(dtype, data);
  }

  dispose(): void {
    this.#disposed = true;
  }
}

function toData(dtype: DType, values: Float64Array): TensorData {
  const data = allocateData(dtype, values.length);
  data.set(values);
  return data;
}
