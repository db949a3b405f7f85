import type { Program } from "../graph/program.ts";
import type { Tensor } from "../graph/tensor.ts";

/** Plans after which a run is warned, once. */
const manyPlans = 12;

let lastLiterals = new Set<string>();

/**
 * Warns when steps keep being planned anew: a number that changes was baked into the graph, or batches
 * have ever other `sizes`.
 */
export function warnOfNewPlans(count: number, program: Program, sizes: ReadonlySet<number>): void {
  const literals = new Map(
    program.order.filter((node) => node.operation.name === "literal")
      .map((node) => [node.key, node]),
  );
  if (count === manyPlans && sizes.size > manyPlans / 2) {
    console.error(
      `Warning: ${count} plans were made for the steps of this run, each slower than replaying one, ` +
        `as batches have had ${sizes.size} numbers of samples. Give batches of one or a few: what is ` +
        `missing may be samples of sampleWeight 0.`,
    );
  } else if (count === manyPlans) {
    const changed = [...literals.keys()].find((key) => !lastLiterals.has(key));
    const user = changed && findUser(program, literals.get(changed)!);
    const where = user
      ? ` The op "${user.operation.name}"${user.label ? ` in ${user.label}` : ""} has the number ` +
        `${literals.get(changed!)!.attributes.value} this time.`
      : "";
    console.error(
      `Warning: ${count} plans were made for the steps of this run, each slower than replaying one.` +
        `${where} For a number that changes between steps, use hyperparameter().`,
    );
  }
  lastLiterals = new Set(literals.keys());
}

/** The op that uses `node`, through views such as a broadcast. */
function findUser(program: Program, node: Tensor): Tensor | undefined {
  const user = program.order.find(({ inputs }) => inputs.includes(node));
  return user?.operation.kind === "view" ? findUser(program, user) : user;
}
