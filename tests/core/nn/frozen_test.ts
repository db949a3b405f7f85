/** A model beside the same one with weights that stay as they are. */
import assert from "node:assert/strict";
import {
  connect,
  dense,
  frozen,
  functional,
  input,
  modelFromJson,
  modelToJson,
  sequential,
} from "../../../mod.ts";

Deno.test("a model that has a name and its frozen twin stand in one model", () => {
  const encoder = sequential([input([2]), dense(3), dense(2)], { name: "encoder" });
  const x = input([2]);
  const pair = functional({
    inputs: { x },
    outputs: { learns: connect(x, encoder), stays: connect(x, frozen(encoder)) },
  });
  const names = ["encoder", "encoder_1"].flatMap((name) =>
    [...encoder.weights.keys()].map((weight) => `${name}/${weight}`)
  );
  assert.deepEqual([...pair.weights.keys()], names);
  assert.equal(pair.parameters.length, encoder.parameters.length);
  assert.equal(pair.weights.get(names[4]), encoder.parameters[0]);
  const again = modelFromJson(modelToJson(pair));
  assert.deepEqual([...again.weights.keys()], names);
  assert.equal(again.parameters.length, encoder.parameters.length);
  const other = sequential([input([2]), dense(2)], { name: "encoder" });
  assert.throws(
    () => functional({ inputs: { x }, outputs: connect(x, encoder, other) }),
    /Cannot name two layers "encoder"/,
  );
});
