/**
 * Molecules from SMILES as graphs of atoms and bonds, read by OpenChemLib. The module stands apart
 * from the others, as `@millrace/millrace/molecules`, so that only who has molecules loads it.
 *
 * @module
 */
import { Molecule } from "openchemlib";
import { DataError } from "../core/graph/errors.ts";
import type { Graph } from "./graph_data_set.ts";

export type { Graph } from "./graph_data_set.ts";

/** Elements that have a feature of their own; all others share the next one. */
const elements = [6, 7, 8, 9, 15, 16, 17, 35, 53] as const;

/** Names of the features of an atom, in order; all are 0 or 1 but the charge. */
export const atomFeatures: readonly string[] = [
  ...["C", "N", "O", "F", "P", "S", "Cl", "Br", "I", "other"],
  ...[0, 1, 2, 3, 4].map((bonds) => `${bonds} bonds`).with(4, "4 bonds or more"),
  ...[0, 1, 2, 3].map((hydrogens) => `${hydrogens} hydrogens`).with(3, "3 hydrogens or more"),
  "charge",
  "aromatic",
  "in a ring",
];

/** Names of the features of a bond, in order; all are 0 or 1. */
export const bondFeatures: readonly string[] = [
  "single",
  "double",
  "triple",
  "aromatic",
  "in a ring",
];

/** A molecule as a graph; its edges are bonds, once each. */
export interface MoleculeGraph extends Graph {
  /** `[bonds, bondFeatures]`. */
  readonly edgeFeatures: readonly Float32Array[];
  /** A name that all ways to write the molecule share, whatever its stereochemistry. */
  readonly id: string;
}

/**
 * Reads molecules written in SMILES: heavy atoms are nodes with {@linkcode atomFeatures}, bonds are
 * edges with {@linkcode bondFeatures}. Hydrogens are counted by their atoms, and stereochemistry is
 * left out.
 *
 * @param smiles The molecules; dots between parts give a graph of several parts.
 * @returns A graph for each, for `graphDataSet(…, { undirected: true })`.
 * @throws {DataError} If a text is not the SMILES of a molecule; `row` (from 1) says which.
 *
 * @example
 * ```ts
 * import { graphDataSet } from "@millrace/millrace";
 * import { atomFeatures, moleculeGraphs } from "@millrace/millrace/molecules";
 * import assert from "node:assert/strict";
 *
 * const [ethanol, benzene] = moleculeGraphs(["CCO", "c1ccccc1"]);
 * assert.deepEqual(ethanol.edges, [[0, 1], [1, 2]]);
 * assert.equal(ethanol.nodes[2][atomFeatures.indexOf("O")], 1);
 * assert.equal(benzene.nodes[0][atomFeatures.indexOf("aromatic")], 1);
 * const data = graphDataSet([ethanol, benzene], [[1.10], [-1.64]], { undirected: true });
 * assert.deepEqual(data.x.edges.shape, [2, 12, 3]);
 * ```
 *
 * Source: OpenChemLib's reading of SMILES and its aromaticity; the features are those of J. Gilmer
 * and others, "Neural Message Passing for Quantum Chemistry", 2017, table 1, that need no geometry.
 */
export function moleculeGraphs(smiles: readonly string[]): MoleculeGraph[] {
  return smiles.map((text, place) => {
    const molecule = parse(text, place);
    const atoms = Array.from({ length: molecule.getAllAtoms() }, (_, atom) => atom);
    const bonds = Array.from({ length: molecule.getAllBonds() }, (_, bond) => bond);
    const nodes = atoms.map((atom) => atomRow(molecule, atom));
    const edgeFeatures = bonds.map((bond) => bondRow(molecule, bond));
    const edges = bonds.map((
      bond,
    ) => [molecule.getBondAtom(0, bond), molecule.getBondAtom(1, bond)]);
    return { nodes, edges, edgeFeatures, id: molecule.getIDCode() };
  });
}

function parse(text: string, place: number): Molecule {
  const molecule = readSmiles(text, place);
  molecule.removeExplicitHydrogens();
  molecule.ensureHelperArrays(Molecule.cHelperRings);
  if (molecule.getAllAtoms() > 0) return molecule;
  throw new DataError(
    `Cannot read molecule ${place} as it must have an atom: received "${text}"`,
    { row: place + 1 },
  );
}

function readSmiles(text: string, place: number): Molecule {
  try {
    return Molecule.fromSmiles(text, { noCoordinates: true, noStereo: true });
  } catch (cause) {
    // The library's own words, after the name of its class.
    const reason = String((cause as Error).message).replace(/^.*?: /, "");
    throw new DataError(
      `Cannot read molecule ${place} as it must be SMILES: received "${text}" (${reason})`,
      { row: place + 1 },
    );
  }
}

/** 1 at `place`, or at the last place of those that are fewer. */
function oneOf(place: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => at === Math.min(place, count - 1) ? 1 : 0);
}

function atomRow(molecule: Molecule, atom: number): Float32Array {
  const element = elements.indexOf(molecule.getAtomicNo(atom) as typeof elements[number]);
  return Float32Array.from([
    ...oneOf(element < 0 ? elements.length : element, elements.length + 1),
    ...oneOf(molecule.getConnAtoms(atom), 5),
    ...oneOf(molecule.getAllHydrogens(atom), 4),
    molecule.getAtomCharge(atom),
    Number(molecule.isAromaticAtom(atom)),
    Number(molecule.isRingAtom(atom)),
  ]);
}

function bondRow(molecule: Molecule, bond: number): Float32Array {
  const kind = molecule.isAromaticBond(bond) ? 3 : molecule.getBondOrder(bond) - 1;
  return Float32Array.from([...oneOf(Math.max(kind, 0), 4), Number(molecule.isRingBond(bond))]);
}
