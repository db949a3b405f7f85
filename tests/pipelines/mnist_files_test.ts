// Data and weights of the user's own, with the permissions that they take and no others.
import assert from "node:assert/strict";
import { decodeSafetensors } from "../../core/state/decode_safetensors.ts";
import { mnist } from "../../data/mnist.ts";
import {
  accuracy,
  dense,
  evaluate,
  input,
  loadWeights,
  sequential,
  sparseCategoricalCrossentropy,
} from "../../mod.ts";
import { gzip, idx, withFiles } from "../data/helpers.ts";
import { only, succeed, timeless } from "./run_pipeline.ts";

/**
 * Images of six by six pixels in IDX form: each class is bright in three places of its own, on noise
 * from a small generator.
 */
function patches(samples: number, seed: number): { images: Uint8Array; labels: Uint8Array } {
  let state = seed;
  const noise = () => (state = Math.imul(state, 1_103_515_245) + 12_345 | 0) >>> 26;
  const labels = Array.from({ length: samples }, (_, sample) => sample % 10);
  const pixels = labels.flatMap((label) =>
    Array.from({ length: 36 }, (_, place) => noise() + (Math.floor(place / 3) === label ? 120 : 0))
  );
  return { images: idx("u8", [samples, 6, 6], pixels), labels: idx("u8", [samples], labels) };
}

/** Runs a test in a folder with files to train and to validate on, plain and compressed. */
async function withPatches(test: (folder: string) => Promise<void>): Promise<void> {
  const [train, validation] = [patches(600, 1), patches(100, 2)];
  const plain = {
    "train-images": train.images,
    "train-labels": train.labels,
    "test-images": validation.images,
    "test-labels": validation.labels,
  };
  const packed = await Promise.all(
    Object.entries(plain).map(async ([name, bytes]) => [`${name}.gz`, await gzip(bytes)] as const),
  );
  await withFiles({ ...plain, ...Object.fromEntries(packed) }, test);
}

/** The four options that name those files. */
const dataOptions = (folder: string, ending = "") =>
  ["train-images", "train-labels", "test-images", "test-labels"]
    .flatMap((name) => [`--${name}`, `${folder}/${name}${ending}`]);

Deno.test("files in IDX form train as the digits do, plain and compressed alike", () =>
  withPatches(async (folder) => {
    const options = "--device cpu --threads 1 --epochs 8 --hidden 16 --learning-rate 0.5".split(
      " ",
    );
    const flags = [`--allow-read=${folder}`];
    const [plain, packed] = await Promise.all([
      succeed("mnist", [...options, ...dataOptions(folder)], flags),
      succeed("mnist", [...options, ...dataOptions(folder, ".gz")], flags),
    ]);
    assert.deepEqual(plain[0].samples, { train: 600, validation: 100 });
    assert.equal(plain[0].parameters, 36 * 16 + 16 + 16 * 10 + 10);
    assert(Number(only(plain, "epoch")[7].val_accuracy) > 0.95);
    assert.deepEqual(timeless(packed), timeless(plain));
  }));

Deno.test("the reference device tells the losses of the CPU", () =>
  withPatches(async (folder) => {
    const options = ["--limit", "96", "--epochs", "2", ...dataOptions(folder)];
    const [reference, cpu] = await Promise.all(
      ["reference", "cpu"].map((device) =>
        succeed("mnist", [...options, "--device", device], [`--allow-read=${folder}`])
      ),
    );
    assert.equal((reference[0].device as { type: string }).type, "reference");
    const losses = only(cpu, "epoch").map(({ loss, val_loss }) => [Number(loss), Number(val_loss)]);
    only(reference, "epoch").forEach(({ loss, val_loss }, epoch) => {
      assert(Math.abs(Number(loss) - losses[epoch][0]) < 1e-5, `${loss} and ${losses[epoch]}`);
      assert(Math.abs(Number(val_loss) - losses[epoch][1]) < 1e-5, `${val_loss}`);
    });
  }));

Deno.test("a checkpoint holds the best weights, and training goes on from them", () =>
  withFiles({}, async (folder) => {
    const path = `${folder}/digits.safetensors`;
    const flags = [`--allow-read=${folder}`, `--allow-write=${folder}`];
    // At this rate the accuracy goes up and down.
    const run = "--device cpu --threads 1 --limit 960 --learning-rate 0.5 --epochs 4".split(" ");
    const epochs = only(await succeed("mnist", [...run, "--checkpoint", path], flags), "epoch");
    const accuracies = epochs.map(({ val_accuracy }) => Number(val_accuracy));
    const best = epochs[accuracies.indexOf(Math.max(...accuracies))];
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["digits.safetensors"]);

    const { metadata } = decodeSafetensors(Deno.readFileSync(path), path);
    assert.equal(metadata.epoch, String(best.epoch));
    assert.equal(metadata.step, String(best.step));
    assert.equal(JSON.parse(metadata.logs).val_accuracy, best.val_accuracy);

    // The network of the pipeline, made by hand and from another seed.
    const model = sequential([
      input([784]),
      dense(30, { activation: "relu" }),
      dense(30, { activation: "relu" }),
      dense(10),
    ], { seed: 7 });
    await loadWeights(model, path);
    const loss = sparseCategoricalCrossentropy({ fromLogits: true });
    const options = { loss, metrics: [accuracy()], device: "cpu" } as const;
    const logs = await evaluate(model, mnist.test, options);
    assert.equal(logs.accuracy, best.val_accuracy);
    assert.equal(logs.loss, best.val_loss);

    // At a rate of 0 the weights stay what they were.
    const same = "--device cpu --threads 1 --limit 32 --learning-rate 0 --epochs 1".split(" ");
    const weights = [...same, "--seed", "9", "--weights", path];
    const [again] = only(await succeed("mnist", weights, [`--allow-read=${path}`]), "epoch");
    assert.equal(again.val_accuracy, best.val_accuracy);
    assert.equal(again.val_loss, best.val_loss);
  }));
