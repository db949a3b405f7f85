/** What is measured: one definition of every network and product, handed to each peer as JSON. */

/** How long a peer measures: windows of steps, each ended by one wait for the device. */
export interface Timing {
  /** Steps between two waits for the results. */
  readonly window: number;
  /** Steps before the clock starts. */
  readonly warmUp: number;
  /** Windows measured at least. */
  readonly windows: number;
}

/** Trains a network of dense layers with relu between them and softmax cross-entropy. */
export interface Training extends Timing {
  readonly kind: "training";
  readonly name: string;
  /** Widths of the layers, input first. */
  readonly widths: readonly number[];
  readonly batchSize: number;
  readonly optimizer: "sgd" | "adam";
  readonly learningRate: number;
  /** Steps after which `lastLoss` is taken; every peer runs at least as many. */
  readonly learningSteps: number;
}

/** Predicts batches, each result read by the host before the next begins. */
export interface Inference extends Timing {
  readonly kind: "inference";
  readonly name: string;
  readonly widths: readonly number[];
  readonly batchSize: number;
}

/** Multiplies [rows, inner] by [inner, columns]; a transposed operand is stored the other way. */
export interface MatrixProduct extends Timing {
  readonly kind: "matmul";
  readonly name: string;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly transposeLeft: boolean;
  readonly transposeRight: boolean;
}

/** One thing to measure. */
export type Workload = Training | Inference | MatrixProduct;

const LARGE = [784, 512, 512, 10];

const NETWORKS: Workload[] = [
  {
    kind: "training",
    name: "small",
    widths: [784, 30, 30, 10],
    batchSize: 32,
    optimizer: "sgd",
    learningRate: 0.1,
    learningSteps: 600,
    window: 20,
    warmUp: 100,
    windows: 25,
  },
  {
    kind: "training",
    name: "large",
    widths: LARGE,
    batchSize: 128,
    optimizer: "adam",
    learningRate: 1e-3,
    learningSteps: 40,
    window: 5,
    warmUp: 5,
    windows: 7,
  },
  {
    kind: "inference",
    name: "inference-1",
    widths: LARGE,
    batchSize: 1,
    window: 20,
    warmUp: 40,
    windows: 10,
  },
  {
    kind: "inference",
    name: "inference-1000",
    widths: LARGE,
    batchSize: 1000,
    window: 2,
    warmUp: 4,
    windows: 5,
  },
];

/** A product; the letters after the shape say which operand is stored transposed. */
function product(rows: number, inner: number, columns: number, transposed = ""): MatrixProduct {
  const multiplications = rows * inner * columns;
  const window = multiplications < 2e6 ? 50 : multiplications < 1e8 ? 10 : 2;
  return {
    kind: "matmul",
    name: `matmul-${rows}x${inner}x${columns}${transposed && `-${transposed}`}`,
    rows,
    inner,
    columns,
    transposeLeft: transposed === "tn",
    transposeRight: transposed === "nt",
    window,
    warmUp: 2 * window,
    windows: 7,
  };
}

const PRODUCTS: Workload[] = [
  product(256, 256, 256),
  product(512, 512, 512),
  product(1024, 1024, 1024),
  product(32, 784, 30),
  product(32, 30, 30),
  product(32, 30, 10),
  product(784, 32, 30, "tn"),
  product(32, 30, 30, "nt"),
  product(128, 784, 512),
  product(128, 512, 512),
  product(784, 128, 512, "tn"),
  product(128, 512, 512, "nt"),
];

/** Those that stand for the others: two that fill the caches, and the shapes of both networks. */
const TYPICAL = ["512x512x512", "1024x1024x1024", "32x784x30", "784x32x30-tn", "128x512x512-nt"];

const GROUPS: Record<string, (workload: Workload) => boolean> = {
  products: (workload) => TYPICAL.some((shape) => workload.name === `matmul-${shape}`),
  inference: (workload) => workload.kind === "inference",
  matmul: (workload) => workload.kind === "matmul",
  all: () => true,
};

/** Every workload, networks first. */
export const workloads: readonly Workload[] = [...NETWORKS, ...PRODUCTS];

/**
 * Workloads by name or by group (`inference`, `products`, `matmul`, `all`).
 *
 * @throws {Error} If a name is unknown; the message lists the known ones.
 */
export function selectWorkloads(names: readonly string[]): Workload[] {
  return names.flatMap((name) => {
    const found = workloads.filter(GROUPS[name] ?? ((workload) => workload.name === name));
    if (found.length > 0) return found;
    const known = [...Object.keys(GROUPS), ...workloads.map((workload) => workload.name)];
    throw new Error(`Unknown network "${name}": expected one of ${known.join(", ")}`);
  });
}

/** Floating-point operations of one step: two for each multiplication of a matrix product. */
export function operationsPerStep(workload: Workload): number {
  if (workload.kind === "matmul") return 2 * workload.rows * workload.inner * workload.columns;
  const { widths, batchSize } = workload;
  const forward = widths.slice(1).reduce(
    (sum, width, layer) => sum + 2 * batchSize * widths[layer] * width,
    0,
  );
  if (workload.kind === "inference") return forward;
  // Backward: the gradient of every kernel, and of every input but the first.
  return 3 * forward - 2 * batchSize * widths[0] * widths[1];
}
