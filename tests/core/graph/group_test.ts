/** Which kernels come after which, however late one of them is told of others. */
import assert from "node:assert/strict";
import { Group } from "../../../core/graph/group.ts";
import { mulberry32 } from "../ops/generator.ts";

/** Whether a walk over all that a group follows meets another one. */
function comesAfter(group: Group, other: Group): boolean {
  return group === other || [...group.after].some((before) => comesAfter(before, other));
}

Deno.test("a group depends on what it follows in any number of steps, also on what was added late", () => {
  const random = mulberry32(12);
  const pick = (groups: readonly Group[]) => groups[Math.floor(random() * groups.length)];
  for (let round = 0; round < 20; round++) {
    const groups = Array.from({ length: 12 }, () => new Group([4], true));
    let refused = 0;
    for (let turn = 0; turn < 40; turn++) {
      const [group, other] = [pick(groups), pick(groups)];
      if (other.dependsOn(group)) refused++;
      else group.follow(other);
      for (const one of groups) {
        for (const two of groups) assert.equal(one.dependsOn(two), comesAfter(one, two));
      }
    }
    assert.ok(refused > 5);
  }
});
