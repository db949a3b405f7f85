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

/**
 * A layer. Dense layers and convolutions have a bias, and relu unless they are the last; a dense
 * layer takes an image as a row; windows lie within the image, and those of a pooling side by side.
 */
export type LayerShape =
  | { readonly kind: "dense"; readonly inputs: number; readonly units: number }
  | {
    readonly kind: "convolution";
    readonly size: number;
    readonly channels: number;
    readonly filters: number;
  }
  | { readonly kind: "maxPooling"; readonly size: number }
  | { readonly kind: "dropout"; readonly rate: number };

/** A network as every peer builds it. */
export interface Network {
  readonly name: string;
  /** Shape of a sample: [784], or [28, 28, 1] as height, width, channels. */
  readonly sample: readonly number[];
  readonly layers: readonly LayerShape[];
  readonly batchSize: number;
}

/** Trains a network with softmax cross-entropy. */
export interface Training extends Timing, Network {
  readonly kind: "training";
  readonly optimizer: "sgd" | "adam";
  readonly learningRate: number;
  /** Steps after which `lastLoss` is taken; every peer runs at least as many. */
  readonly learningSteps: number;
}

/** Predicts batches, each result read by the host before the next begins. */
export interface Inference extends Timing, Network {
  readonly kind: "inference";
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

/** Dense layers of these widths, input first. */
function dense(...widths: number[]): Pick<Network, "sample" | "layers"> {
  const layers = widths.slice(1).map((units, place) =>
    ({ kind: "dense", inputs: widths[place], units }) as const
  );
  return { sample: widths.slice(0, 1), layers };
}

const LARGE = dense(784, 512, 512, 10);

const NETWORKS: Workload[] = [
  {
    kind: "training",
    name: "small",
    ...dense(784, 30, 30, 10),
    batchSize: 32,
    optimizer: "sgd",
    learningRate: 0.1,
    learningSteps: 600,
    window: 100,
    warmUp: 100,
    windows: 10,
  },
  {
    kind: "training",
    name: "large",
    ...LARGE,
    batchSize: 128,
    optimizer: "adam",
    learningRate: 1e-3,
    learningSteps: 40,
    window: 5,
    warmUp: 5,
    windows: 7,
  },
  {
    kind: "training",
    name: "convolutional",
    sample: [28, 28, 1],
    layers: [
      { kind: "convolution", size: 3, channels: 1, filters: 32 },
      { kind: "maxPooling", size: 2 },
      { kind: "convolution", size: 3, channels: 32, filters: 64 },
      { kind: "maxPooling", size: 2 },
      { kind: "dropout", rate: 0.5 },
      { kind: "dense", inputs: 5 * 5 * 64, units: 10 },
    ],
    batchSize: 128,
    optimizer: "adam",
    learningRate: 1e-3,
    learningSteps: 40,
    window: 2,
    warmUp: 2,
    windows: 7,
  },
  {
    kind: "inference",
    name: "inference-1",
    ...LARGE,
    batchSize: 1,
    window: 20,
    warmUp: 40,
    windows: 10,
  },
  {
    kind: "inference",
    name: "inference-1000",
    ...LARGE,
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

/** Shape of a layer's kernel, inputs before outputs; null where it has none. */
export function kernelShape(layer: LayerShape): number[] | null {
  if (layer.kind === "dense") return [layer.inputs, layer.units];
  if (layer.kind !== "convolution") return null;
  return [layer.size, layer.size, layer.channels, layer.filters];
}

/** Whether steps are random, so that no two peers compute the same. */
export function isRandom(workload: Workload): boolean {
  return workload.kind === "training" && workload.layers.some(({ kind }) => kind === "dropout");
}

/** Whether a network has convolutions. */
export function isConvolutional(workload: Workload): boolean {
  return workload.kind === "training" &&
    workload.layers.some(({ kind }) => kind === "convolution");
}

/** Operations of each layer going forward on one sample: two for each multiplication. */
function forwardOperations({ sample, layers }: Network): number[] {
  let [height, width] = sample;
  return layers.map((layer) => {
    if (layer.kind === "maxPooling") {
      [height, width] = [height, width].map((places) => Math.floor(places / layer.size));
    }
    if (layer.kind === "convolution") {
      [height, width] = [height, width].map((places) => places - layer.size + 1);
    }
    const multiplications = kernelShape(layer)?.reduce((product, size) => product * size) ?? 0;
    return 2 * multiplications * (layer.kind === "convolution" ? height * width : 1);
  });
}

/** Floating-point operations of one step: two for each multiplication of a product. */
export function operationsPerStep(workload: Workload): number {
  if (workload.kind === "matmul") return 2 * workload.rows * workload.inner * workload.columns;
  const operations = forwardOperations(workload);
  const forward = workload.batchSize * operations.reduce((sum, each) => sum + each);
  if (workload.kind === "inference") return forward;
  // Backward: the gradient of every kernel, and of every input but the first.
  return 3 * forward - workload.batchSize * operations[0];
}
