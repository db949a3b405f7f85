// What a text is refused for as a model, and a model as a text.
import assert from "node:assert/strict";
import { DataError } from "../../../core/graph/errors.ts";
import {
  activation,
  connect,
  dense,
  dropout,
  functional,
  input,
  lambda,
  type Layer,
  type Model,
  modelFromJson,
  modelToJson,
  sequential,
  withInputShape,
} from "../../../mod.ts";

const small = modelToJson(sequential([input([4]), dense(3), dropout(0.2), dense(1)]));
// deno-lint-ignore no-explicit-any
type Any = any;
/** The text with a change. */
function changed(change: (model: Any, whole: Any) => void): string {
  const whole = JSON.parse(small);
  change(whole.model, whole);
  return JSON.stringify(whole);
}

const refused: [what: string, text: string, message: RegExp][] = [
  ["no JSON", "{", /^Cannot make a model of the JSON: /],
  ["a list", "[]", /it must be an object: received \[\]/],
  [
    "another format",
    changed((_, whole) => whole.format = "keras"),
    /format must be "millrace-model"/,
  ],
  [
    "a later version",
    changed((_, whole) => whole.version = 2),
    /version must be 1 \(was it written by a later Millrace\?\): received 2/,
  ],
  ["a thing too much", changed((model) => model.extra = 1), /model must be an object of .*"extra"/],
  ["a thing too few", changed((model) => delete model.calls), /model.calls must be there/],
  [
    "weights of a model that is not there before",
    changed((model) => model.layers[0] = { model: { same: 0 } }),
    /layers\[0\]\.model\.same must be a model read before, .*: received 0/,
  ],
  [
    "an unknown layer",
    changed((model) => model.layers[0].type = "Lambda"),
    /layers\[0\]\.type must be one of .*Activation, .*: received "Lambda"/,
  ],
  [
    "a layer that all objects have",
    changed((model) => model.layers[0].type = "toString"),
    /type must be one of .*received "toString"/,
  ],
  [
    "an unknown option",
    changed((model) => model.layers[0].config.unitz = 1),
    /config must be options among .*units.*: received "unitz"/,
  ],
  [
    "a number for a flag",
    changed((model) => model.layers[0].config.useBias = 1),
    /config\.useBias must be true or false: received 1/,
  ],
  [
    "text for a number",
    changed((model) => model.layers[0].config.units = "3"),
    /config\.units must be a number: received "3"/,
  ],
  [
    "a number out of range",
    changed((model) => model.layers[0].config.units = -3),
    /at model\.layers\[0\]: Cannot use the units of dense .*received -3/,
  ],
  [
    "an unknown activation",
    changed((model) => model.layers[0].config.activation = "constructor"),
    /config\.activation must be one of linear, /,
  ],
  [
    "an unknown initializer",
    changed((model) => model.layers[0].config.kernelInitializer = { name: "valueOf", config: {} }),
    /kernelInitializer\.name must be one of zeros, .*"valueOf"/,
  ],
  [
    "a prototype",
    small.replace('"seed"', '"__proto__": {"trainable": false}, "seed"'),
    /every name must be a plain one: received "__proto__"/,
  ],
  [
    "a circle",
    changed((model) => model.calls[0].inputs = [3]),
    /calls\[0\]\.inputs\[0\] must be a value made before, .*received 3/,
  ],
  [
    "a layer that is not there",
    changed((model) => model.calls[0].layer = 7),
    /calls\[0\]\.layer must be a layer, a whole number from 0 to below 3: received 7/,
  ],
  [
    "two inputs for a layer of one",
    changed((model) => model.calls[1].inputs = [0, 1]),
    /calls\[1\]\.inputs must be a list of 1: received 2/,
  ],
  ["no outputs", changed((model) => model.outputs = []), /outputs must be one without a name/],
  [
    "a name that breaks names of weights",
    changed((model) => model.layers[0].name = "a/b"),
    /Cannot name a Dense layer "a\/b"/,
  ],
  [
    "shapes that do not fit",
    changed((model) => model.layers[0].config.inputShape = [9]),
    /expected input of shape \[9\]/,
  ],
  [
    "one weight that is enormous",
    changed((model) => model.layers[0].config.units = 1e9),
    /expected a kernel of at most 268435456 numbers, got shape \[4, 1000000000\]/,
  ],
  [
    "deep nesting",
    changed((model) => model.seed = JSON.parse("[".repeat(200) + "]".repeat(200))),
    /nesting must be at most 100 deep/,
  ],
  ["being none", 5 as never, /as it must be a string: received 5$/],
];
for (const [what, text, message] of refused) {
  Deno.test(`a text is refused for ${what}`, () => {
    assert.throws(() => modelFromJson(text), (error: Error) => {
      assert(error instanceof DataError, `${error}`);
      assert.match(error.message, message);
      return true;
    });
    assert.equal(({} as { trainable?: boolean }).trainable, undefined);
  });
}

Deno.test("limits of a text's length and of the model's weights can be set", () => {
  assert.throws(() => modelFromJson(small, { maxLength: 100 }), /at most 100 characters/);
  for (const limit of ["maxLength", "maxParameters"]) {
    assert.throws(() => modelFromJson(small, { [limit]: NaN }), new RegExp(`${limit} .*NaN`));
  }
  assert.throws(
    () => modelFromJson(small, { maxParameters: 15 }),
    /at most 15 weights: received 19 up to dense_2/,
  );
  assert.equal((modelFromJson(small, { maxParameters: 19 }) as Model).parameters.length, 4);
});

Deno.test("what a factory of one's own throws is said with its place, a DataError as it is", () => {
  const own = (error: unknown) => {
    const Dense = () => {
      throw error;
    };
    return () => modelFromJson(small, { custom: { layers: { Dense } } });
  };
  assert.throws(own(new RangeError("no units")), {
    name: "DataError",
    message: /^Cannot make a model of the JSON at model\.layers\[0\].*: no units$/,
  });
  assert.throws(own(new DataError("no file")), { name: "DataError", message: "no file" });
});

Deno.test("what cannot be written is refused with the layer's name", () => {
  const unknown: Layer = { ...dense(1), config: undefined, type: "Mine" };
  const cases: [Layer, RegExp][] = [
    [activation((x) => x), /activation_1: .* its activation is a function/],
    [dropout(() => 0.5), /dropout_1: .* its rate is a function/],
    [lambda((x) => x), /lambda_1: cannot be written as JSON as its compute is a function/],
    [unknown, /mine_1: .* its type Mine keeps no config/],
    [{ ...dense(1), config: { units: NaN } }, /dense_1: .* its units is NaN/],
    [
      dense(1, { kernelRegularizer: { name: "own", apply: (x) => x.sum() } }),
      /dense_1: .* kernelRegularizer is an object that keeps no config/,
    ],
  ];
  for (const [layer, message] of cases) {
    assert.throws(() => modelToJson(sequential([input([2]), layer])), message);
  }
});

Deno.test("a model for other inputs is refused with its place where these do not fit", () => {
  const encoder = sequential([input([9, 2]), dense(3)]);
  const [long, short] = [input([9, 2]), input([5, 2])];
  const pair = functional({
    inputs: { long, short },
    outputs: { a: connect(long, encoder), b: connect(short, withInputShape(encoder, [5, 2])) },
  });
  const cases: [inputShapes: Any, message: RegExp][] = [
    [[[5, 3]], /at model\.layers\[1\]\.model: dense_1: expected inputs that fit the weights/],
    [[[-5, 2]], /at model\.layers\[1\]\.model: Cannot use size 0 of input .*received -5/],
    [[[5, 2], [5, 2]], /layers\[1\]\.model\.inputShapes must be a list of 1: received \[\[5/],
    [[5, 2], /layers\[1\]\.model\.inputShapes\[0\] must be a list: received 5/],
  ];
  for (const [inputShapes, message] of cases) {
    const whole = JSON.parse(modelToJson(pair as Any));
    whole.model.layers[1].model.inputShapes = inputShapes;
    assert.throws(() => modelFromJson(JSON.stringify(whole)), { name: "DataError", message });
  }
  assert.throws(() => withInputShape(encoder, [0, 2]), /size 0 of input .*from 1: received 0/);
});
