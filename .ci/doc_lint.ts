/**
 * Runs `deno doc --lint mod.ts` and leaves out one kind of finding: a public type that refers to a
 * type of an npm package. Deno 2.9.6 reports those although they are public in their package
 * (https://github.com/denoland/deno/issues/27364).
 */
const command = new Deno.Command(Deno.execPath(), {
  args: ["doc", "--lint", "mod.ts"],
  env: { NO_COLOR: "1" },
  stdout: "null",
  stderr: "piped",
});
const { stderr, success } = await command.output();
const findings = new TextDecoder().decode(stderr).split(/\n(?=error)/)
  .filter((block) => /^error\[/.test(block));
const foreign = (block: string) => {
  const name = /references private type '(\w+)'/.exec(block)?.[1];
  return name !== undefined && npmTypes.has(name);
};
const npmTypes = new Set([
  "BehaviorSubject",
  "MonoTypeOperatorFunction",
  "Observable",
  "OperatorFunction",
]);
const ours = findings.filter((block) => !foreign(block));
for (const block of ours) console.error(block);
if (!success && findings.length === 0) {
  console.error(new TextDecoder().decode(stderr));
  Deno.exit(1);
}
console.error(`deno doc --lint: ${ours.length} findings, ${findings.length} with types of RxJS`);
Deno.exit(ours.length === 0 ? 0 : 1);
