/** Bans `Math.random`: every random number comes from a seed, so that runs can be repeated. */
const plugin: Deno.lint.Plugin = {
  name: "millrace",
  rules: {
    "no-math-random": {
      create(context) {
        return {
          'MemberExpression[object.name="Math"][property.name="random"]'(node) {
            context.report({
              node,
              message: "Math.random cannot be repeated",
              hint: "Use RandomStream of core/state, or a seeded generator of the tests",
            });
          },
        };
      },
    },
  },
};
export default plugin;
