// Molecules from SMILES: atoms and bonds as a chemist would count them.
import assert from "node:assert/strict";
import { DataError } from "../../core/graph/errors.ts";
import {
  atomFeatures,
  bondFeatures,
  type MoleculeGraph,
  moleculeGraphs,
} from "../../data/molecules.ts";

const read = (smiles: string): MoleculeGraph => moleculeGraphs([smiles])[0];

/** Names of the features that are set, and the charge where there is one. */
const named = (row: ArrayLike<number>, names: readonly string[]) =>
  names.flatMap((name, place) =>
    row[place] === 0 ? [] : row[place] === 1 ? [name] : [`${name} ${row[place]}`]
  );

Deno.test("atoms have their element, bonds, hydrogens, charge, aromaticity and ring", () => {
  // 4-nitrobenzonitrile.
  const { nodes, edges, edgeFeatures } = read("N#Cc1ccc(cc1)[N+](=O)[O-]");
  const atoms = nodes.map((row) => named(row, atomFeatures));
  const aromatic = ["aromatic", "in a ring"];
  assert.deepEqual(atoms[0], ["N", "1 bonds", "0 hydrogens"]);
  assert.deepEqual(atoms[1], ["C", "2 bonds", "0 hydrogens"]);
  assert.deepEqual(atoms[2], ["C", "3 bonds", "0 hydrogens", ...aromatic]);
  assert.deepEqual(atoms[3], ["C", "2 bonds", "1 hydrogens", ...aromatic]);
  assert.deepEqual(atoms[8], ["N", "3 bonds", "0 hydrogens", "charge"]);
  assert.deepEqual(atoms[10], ["O", "1 bonds", "0 hydrogens", "charge -1"]);
  assert.equal(atoms.length, 11);
  const bonds = edgeFeatures.map((row) => named(row, bondFeatures));
  assert.deepEqual(edges[0], [0, 1]);
  assert.deepEqual(bonds[0], ["triple"]);
  assert.deepEqual(bonds[1], ["single"]);
  assert.equal(bonds.filter(([kind]) => kind === "aromatic").length, 6);
  assert.deepEqual(bonds[edges.findIndex(([a, b]) => a === 8 && b === 9)], ["double"]);
});

Deno.test("hydrogens that are written are counted by their atoms", () => {
  const plain = read("CO");
  const sorted = ({ nodes }: MoleculeGraph) => nodes.map(String).sort();
  assert.deepEqual(sorted(read("[H]C([H])([H])O[H]")), sorted(plain));
  assert.deepEqual(named(plain.nodes[0], atomFeatures).slice(2), ["3 hydrogens or more"]);
  assert.deepEqual(named(plain.nodes[1], atomFeatures).slice(2), ["1 hydrogens"]);
});

Deno.test("a molecule of several parts, a lone atom and a rare element", () => {
  const salt = read("[Na+].[Cl-]");
  assert.deepEqual(salt.edges, []);
  assert.deepEqual(named(salt.nodes[0], atomFeatures), [
    "other",
    "0 bonds",
    "0 hydrogens",
    "charge",
  ]);
  assert.equal(read("C").nodes.length, 1);
});

Deno.test("all ways to write a molecule have one name, whatever its stereochemistry", () => {
  assert.equal(read("OCC").id, read("C(O)C").id);
  assert.equal(read("C[C@H](N)C(=O)O").id, read("CC(N)C(O)=O").id);
  assert.notEqual(read("CCO").id, read("COC").id);
});

for (
  const [what, smiles, message] of [
    ["a ring that never closes", "c1ccc", /molecule 1 as it must be SMILES: received "c1ccc" \(/],
    ["an element that is none", "C[Xx]", /received "C\[Xx\]"/],
    ["no atoms", "", /must have an atom: received ""/],
  ] as const
) {
  Deno.test(`refused: ${what}`, () => {
    assert.throws(() => moleculeGraphs(["CCO", smiles]), (error: Error) => {
      assert(error instanceof DataError);
      assert.match(error.message, message);
      assert.equal(error.row, 2);
      return true;
    });
  });
}
