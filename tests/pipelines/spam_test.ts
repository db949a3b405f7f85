// The mails: what is read of them, and how both models do on those they have not seen.
import assert from "node:assert/strict";
import { mailWords } from "../../pipelines/mails.ts";
import { type Line, only, runPipeline, succeed } from "./run_pipeline.ts";

const cpu = ["--device", "cpu", "--threads", "1"];
const small = ["--limit", "600", "--words", "2000", "--length", "40", "--epochs", "2"];

Deno.test("a mail is its subject and what is text in it, decoded, and no other header", () => {
  const plain = "From: a@b.c\nSubject: Win $500\n\tNOW!\nTo: you\n\nDon't wait -\r\ncall.\n";
  assert.equal(mailWords(plain), "win $ 0 now ! don t wait call");
  const quoted = "Content-Transfer-Encoding: quoted-printable\n\nfree =3D no=\nthing";
  assert.equal(mailWords(quoted), "free nothing");
  const parts = [
    'Content-Type: multipart/mixed; boundary="xx"',
    "Subject: two",
    "",
    "for old readers",
    "--xx",
    "Content-Type: text/html",
    "Content-Transfer-Encoding: base64",
    "",
    btoa("<b>Hello</b>"),
    "--xx",
    "Content-Type: image/gif",
    "",
    "R0lGODlh",
    "--xx",
    "",
    "no headers",
    "--xx--",
  ].join("\n");
  assert.equal(mailWords(parts), "two b hello b no headers");
  assert.equal(mailWords("Subject: empty"), "empty");
  assert.equal(mailWords("Content-Transfer-Encoding: base64\n\n%%%%A"), "");
  assert.equal(mailWords(`\n${"x".repeat(21)} end`), "end");
});

Deno.test("spam: a network of few mails beats the majority, with the same bits for the same seed", async () => {
  const run = async (seed: string) =>
    only(await succeed("spam", [...cpu, ...small, "--seed", seed]), "result");
  const results = await run("1");
  assert.deepEqual(results.map(({ model }) => model), ["majority", "bag_of_words", "gru"]);
  const [majority, bag, network] = results as (Line & Record<string, number>)[];
  for (const { mails } of results) assert.equal(mails, 1178);
  for (const { binary_accuracy, auc } of [bag, network]) {
    assert(binary_accuracy > majority.binary_accuracy + 0.1, `${binary_accuracy}`);
    assert(auc > 0.9, `${auc}`);
  }
  const [[ham, alarm], [missed, spam]] = network.confusion_matrix as unknown as number[][];
  assert.equal(ham + alarm + missed + spam, 1178);
  assert(Math.abs(network.binary_accuracy - (ham + spam) / 1178) < 1e-6);
  assert(Math.abs(network.recall - spam / (spam + missed)) < 1e-6);
  assert.deepEqual(await run("1"), results);
});

Deno.test("spam: wrong usage ends with 2", async () => {
  const { code, stderr } = await runPipeline("spam", ["--model", "gur"]);
  assert.equal(code, 2);
  assert.match(stderr, /one of gru, lstm \(did you mean gru\?\)/);
});
