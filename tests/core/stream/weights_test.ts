import assert from "node:assert/strict";
import { decodeSafetensors } from "../../../core/state/decode_safetensors.ts";
import { encodeSafetensors, type SafetensorsTensor } from "../../../core/state/safetensors.ts";
import {
  DataError,
  dense,
  input,
  loadWeights,
  type Model,
  saveWeights,
  sequential,
  ShapeError,
} from "../../../mod.ts";
import { withFiles } from "../../data/helpers.ts";

const network = (seed: number, hidden = 3): Model =>
  sequential([input([2]), dense(hidden), dense(1)], { seed });

const valuesOf = (model: Model) => model.parameters.map(({ value }) => Float32Array.from(value));

/** The weights of a network by name, as a file holds them. */
function tensorsOf(model: Model): Map<string, SafetensorsTensor> {
  return new Map(model.parameters.map(({ name, shape, value }) => [
    name,
    { dtype: "F32", shape: [...shape], data: Float32Array.from(value) },
  ]));
}

Deno.test("weights come back to the last bit, in a network of another seed", () =>
  withFiles({}, async (folder) => {
    const path = `${folder}/weights.safetensors`;
    const [model, other] = [network(1), network(2)];
    // The smallest and the largest numbers, and a zero that keeps its sign.
    model.parameters[0].set([1e-45, -0, 3.4028234663852886e38, -1.1754943508222875e-38, 1 / 3, 7]);
    await saveWeights(model, path);
    const versions = other.parameters.map(({ version }) => version);
    await loadWeights(other, path);
    assert.deepEqual(valuesOf(other), valuesOf(model));
    assert(Object.is(other.parameters[0].value[1], -0));
    other.parameters.forEach(({ version }, place) => assert(version > versions[place]));
    // The file is a copy: neither network writes into the other.
    other.parameters[0].set([0, 0, 0, 0, 0, 0]);
    assert.equal(model.parameters[0].value[5], 7);
  }));

Deno.test("a file holds the weights by layer name, and the version of the format", () =>
  withFiles({}, async (folder) => {
    const path = `${folder}/weights.safetensors`;
    await saveWeights(network(1), path);
    const { tensors, metadata } = decodeSafetensors(await Deno.readFile(path), path);
    assert.deepEqual(
      [...tensors].map(([name, { dtype, shape }]) => `${name} ${dtype} [${shape}]`),
      ["dense_1/kernel F32 [2,3]", "dense_1/bias F32 [3]"].concat(
        ["dense_2/kernel F32 [3,1]", "dense_2/bias F32 [1]"],
      ),
    );
    const { checksum, ...others } = metadata;
    assert.match(checksum, /^[0-9a-f]{8}$/);
    assert.deepEqual(others, { format_version: "1" });
  }));

Deno.test("files of other programs load, whatever their order and what else they hold", () =>
  withFiles({}, async (folder) => {
    const model = network(1);
    const reversed = new Map<string, SafetensorsTensor>([
      ["an optimizer's state", { dtype: "I64", shape: [], data: BigInt64Array.of(5n) }],
      ...[...tensorsOf(model)].reverse(),
    ]);
    const path = `${folder}/theirs.safetensors`;
    await Deno.writeFile(path, encodeSafetensors(reversed, { format: "pt" }));
    const other = network(2);
    await loadWeights(other, path);
    assert.deepEqual(valuesOf(other), valuesOf(model));
  }));

/** What is wrong with one weight of a file, and the error. */
const faults: [
  string,
  string,
  SafetensorsTensor | undefined,
  typeof DataError | typeof ShapeError,
  RegExp,
][] = [
  ["a weight less", "dense_2/bias", undefined, DataError, /no weight "dense_2\/bias".*it holds/],
  [
    "another shape",
    "dense_2/kernel",
    { dtype: "F32", shape: [1, 3], data: new Float32Array(3) },
    ShapeError,
    /"dense_2\/kernel" does not fit the model: expected F32 \[3, 1\], received F32 \[1, 3\]/,
  ],
  [
    "another element type",
    "dense_2/kernel",
    { dtype: "I32", shape: [3, 1], data: new Int32Array(3) },
    ShapeError,
    /expected F32 \[3, 1\], received I32 \[3, 1\]/,
  ],
  [
    "NaN",
    "dense_2/bias",
    { dtype: "F32", shape: [1], data: Float32Array.of(NaN) },
    DataError,
    /"dense_2\/bias" must hold finite numbers: received NaN at index 0/,
  ],
  [
    "infinity",
    "dense_2/kernel",
    { dtype: "F32", shape: [3, 1], data: Float32Array.of(0, Infinity, 0) },
    DataError,
    /"dense_2\/kernel" must hold finite numbers: received Infinity at index 1/,
  ],
];

for (const [title, name, tensor, kind, message] of faults) {
  Deno.test(`a file is refused whole for ${title}`, () =>
    withFiles({}, async (folder) => {
      const tensors = tensorsOf(network(1));
      if (tensor) tensors.set(name, tensor);
      else tensors.delete(name);
      const path = `${folder}/wrong.safetensors`;
      await Deno.writeFile(path, encodeSafetensors(tensors));
      const model = network(2);
      const before = valuesOf(model);
      await assert.rejects(loadWeights(model, path), (error: Error) => {
        assert(error instanceof kind, String(error));
        assert(error.message.includes(path));
        assert.match(error.message, message);
        return true;
      });
      // The weights before the wrong one were right, and have not been taken all the same.
      assert.deepEqual(valuesOf(model), before);
    }));
}

Deno.test("a file of another version, a damaged one, a folder and none are refused", () =>
  withFiles({}, async (folder) => {
    const path = `${folder}/weights.safetensors`;
    const model = network(1);
    const refusal = async (bytes: Uint8Array, message: RegExp) => {
      await Deno.writeFile(path, bytes);
      await assert.rejects(loadWeights(model, path), (error: Error) => {
        assert(error instanceof DataError && error.file === path, String(error));
        assert.match(error.message, message);
        return true;
      });
    };
    const tensors = tensorsOf(model);
    for (const version of ["2", "1.5", "", "one"]) {
      const later = encodeSafetensors(tensors, { format_version: version });
      await refusal(later, new RegExp(`format_version must be 1: received "${version}"`));
    }
    await refusal(encodeSafetensors(tensors).subarray(0, -1), /truncated/);
    await refusal(new Uint8Array(), /it is empty/);
    await assert.rejects(loadWeights(model, folder), /it is a folder: name a file in it/);
    await assert.rejects(
      loadWeights(model, `${folder}/missing`),
      /missing" as there is no such file: check its path/,
    );
    await assert.rejects(
      loadWeights(model, "nul\0"),
      /Cannot read "nul\0" as the system refused: /,
    );
  }));

Deno.test({
  name: "loading names the flag when it has no permission, and saving both",
  permissions: "none",
  fn: async () => {
    await assert.rejects(
      loadWeights(network(1), "digits.safetensors"),
      /no permission to: run it again with --allow-read=digits\.safetensors$/,
    );
    await assert.rejects(
      saveWeights(network(1), "folder/digits.safetensors"),
      /no permission to: run it again with --allow-read=folder\/ --allow-write=folder\//,
    );
  },
});

Deno.test({
  name: "loading says that the system refuses this user",
  // Root may read any file, so the mode refuses nobody.
  ignore: Deno.build.os === "windows" || Deno.uid() === 0,
  fn: () =>
    withFiles({ secret: encodeSafetensors(tensorsOf(network(1))) }, async (folder) => {
      await Deno.chmod(`${folder}/secret`, 0);
      await assert.rejects(
        loadWeights(network(1), `${folder}/secret`),
        /check the file's owner and mode/,
      );
    }),
});

Deno.test("a save that fails leaves the old file whole, and nothing beside it", () =>
  withFiles({}, async (folder) => {
    const path = `${folder}/weights.safetensors`;
    await saveWeights(network(1), path);
    const old = await Deno.readFile(path);
    await assert.rejects(saveWeights(network(2), `${folder}/missing/a`), /there is no folder/);
    await assert.rejects(saveWeights(network(2), folder), /Cannot write/);
    await assert.rejects(saveWeights(network(2), `${path}/a`), /is not a folder/);
    assert.deepEqual(await Deno.readFile(path), old);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), [
      "weights.safetensors",
    ]);
    await saveWeights(network(2), path);
    assert.notDeepEqual(await Deno.readFile(path), old);
  }));
