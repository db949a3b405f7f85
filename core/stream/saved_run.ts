import type { DTypePolicy } from "../../gpu/device.ts";
import { DataError } from "../graph/errors.ts";
import { decodeSafetensors } from "../state/decode_safetensors.ts";
import { encodeSafetensors, type SafetensorsTensor } from "../state/safetensors.ts";
import { readBytes } from "../state/read_bytes.ts";
import { checkChecksum, noChecksum, writeChecksum } from "./file_checksum.ts";

/** Version of the metadata under `run`; a reader refuses others. */
const runVersion = 1;

/** Version of the file's other metadata; a reader refuses others. */
export const formatVersion = 1;

/** The last step that a saved run has made. */
export interface SavedPosition {
  /** Epoch, from 1; 0 before the first step. */
  readonly epoch: number;
  /** Steps since the run began. */
  readonly step: number;
  /** Step in the epoch, from 1. */
  readonly stepInEpoch: number;
  /** Steps in the epoch. */
  readonly stepsPerEpoch: number;
}

/** What must be the same in the run that goes on. */
export interface RunSettings {
  /** Seed of shuffles and masks. */
  readonly seed: number;
  /** Samples in a batch. */
  readonly batchSize: number;
  /** Whether epochs are in new orders. */
  readonly shuffle: boolean;
  /** Whether a last batch that is not full is left out. */
  readonly dropRemainder: boolean;
  /** Samples of the data set. */
  readonly samples: number;
  /** Steps of an epoch, if they were given. */
  readonly stepsPerEpoch?: number;
  /** Limit of the batches of a pass, if there was one. */
  readonly limitBatches?: number;
  /** Batches that are visited again and again, if that was asked for. */
  readonly overfitBatches?: number;
  /** How the device stores numbers, if not as float32. */
  readonly dtypePolicy?: DTypePolicy;
}

/** An f32 tensor of a run. */
export interface SavedTensor {
  /** Sizes of the axes. */
  readonly shape: readonly number[];
  /** Its elements. */
  readonly data: Float32Array;
}

/** A run as a file holds it: all that decides what the next step does. */
export interface SavedRun {
  /** Where it stands. */
  readonly position: SavedPosition;
  /** What it was started with. */
  readonly settings: RunSettings;
  /** Weights by name, `dense_1/kernel`. */
  readonly weights: ReadonlyMap<string, SavedTensor>;
  /** States of optimizers and others, and copies of weights. */
  readonly tensors: ReadonlyMap<string, SavedTensor>;
  /** States of operators, as JSON, by name. */
  readonly states: ReadonlyMap<string, string>;
}

/** Before the names of tensors that are no weights. */
const prefix = "run/";

/**
 * The bytes of a safetensors file with everything.
 *
 * @param saved The run; without a `position` the file has weights only.
 * @param metadata More texts for people: `logs`.
 */
export function encodeRun(
  saved: Partial<SavedRun> & Pick<SavedRun, "weights">,
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const { weights, tensors = new Map(), position, settings, states = new Map() } = saved;
  const all = new Map<string, SafetensorsTensor>();
  for (const [name, tensor] of weights) all.set(name, { dtype: "F32", ...tensor });
  const first = { ...noChecksum, format_version: `${formatVersion}` };
  if (!position) return writeChecksum(encodeSafetensors(all, { ...first, ...metadata }));
  for (const [name, tensor] of tensors) all.set(prefix + name, { dtype: "F32", ...tensor });
  // A layer may be named "run": its weights are told from the tensors by this list.
  const alike = [...weights.keys()].filter((name) => name.startsWith(prefix));
  const run = {
    version: runVersion,
    position,
    settings,
    states: Object.fromEntries(states),
    ...(alike.length > 0 && { weights: alike }),
  };
  const bytes = encodeSafetensors(all, {
    ...first,
    epoch: `${position.epoch}`,
    step: `${position.step}`,
    ...metadata,
    run: JSON.stringify(run),
  });
  return writeChecksum(bytes);
}

/**
 * Reads a run that {@link checkpoint} has saved.
 *
 * @param path The file. Needs `--allow-read`.
 * @throws {DataError} when the file cannot be read, is damaged, or holds weights only.
 */
export async function readRun(path: string): Promise<SavedRun> {
  const bytes = await readBytes(path);
  const { tensors: all, metadata } = decodeSafetensors(bytes, path);
  const whole = checkChecksum(bytes, path);
  const refuse = (rule: string): never => {
    throw new DataError(`Cannot resume from ${path} as ${rule}`, { file: path });
  };
  if (metadata.run === undefined) {
    refuse(
      "it holds weights only: begin anew with them (loadWeights), or resume from a file that " +
        "checkpoint wrote without weightsOnly",
    );
  }
  if (!whole) refuse("it has no checksum where checkpoint writes one: it was changed since");
  const { version, position, settings, states, weights: alike = [] } = parseRun(
    metadata.run,
    refuse,
  );
  if (version !== runVersion) {
    refuse(
      `the version of its run must be ${runVersion}: received ${JSON.stringify(version)} (was it ` +
        `saved by a later Millrace?)`,
    );
  }
  const weights = new Map<string, SavedTensor>();
  const tensors = new Map<string, SavedTensor>();
  for (const [name, { dtype, shape, data }] of all) {
    if (dtype !== "F32") refuse(`its tensor "${name}" must be F32: received ${dtype}`);
    const tensor = { shape, data: data as Float32Array };
    const isWeight = !name.startsWith(prefix) || alike.includes(name);
    if (isWeight) weights.set(name, tensor);
    else tensors.set(name.slice(prefix.length), tensor);
  }
  return { position, settings, weights, tensors, states: new Map(Object.entries(states)) };
}

interface RunText extends Pick<SavedRun, "position" | "settings"> {
  readonly version: unknown;
  readonly states: Readonly<Record<string, string>>;
  /** Names of weights that begin as those of tensors do, if there are any. */
  readonly weights?: readonly string[];
}

function parseRun(text: string, refuse: (rule: string) => never): RunText {
  let run: Partial<RunText> | null = null;
  try {
    run = JSON.parse(text);
  } catch {
    // Said below.
  }
  const { position, settings, states, weights = [] } = run ?? {};
  const counts = [position?.epoch, position?.step, position?.stepInEpoch, position?.stepsPerEpoch];
  const whole = counts.every((count) => Number.isSafeInteger(count) && count! >= 0);
  const texts = typeof states === "object" && states !== null &&
    Object.values(states).every((state) => typeof state === "string") && Array.isArray(weights);
  if (whole && texts && typeof settings === "object" && settings !== null) return run as RunText;
  return refuse(`its metadata "run" must be what checkpoint writes: received ${text.slice(0, 80)}`);
}
