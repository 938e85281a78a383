/** What a peer says of itself: the answer of `fluxar.describe` [IDL.desc.8]. */

import { freeNames, renamed } from "./clash.js";
import type { Named } from "./clash.js";
import { entriesOf, item, listOf, listing, mapping, text, textOf } from "./entries.js";
import type { Entries } from "./entries.js";

/** The reserved method that answers with the descriptor of all that is served. */
export const DESCRIBE = "fluxar.describe";

const FORM = 1;
const SERVICES = 4;
/** Types, services, topics and contracts. */
const KINDS = [3, SERVICES, 5, 6] as const;
const ANY = 20;
const NAME = 0;
const WIRE = 1;
const PACKAGE = 2;
const METHODS = 3;
const ANSWER = 5;
const DOCS = 15;
const SAYABLE = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+$/;
const RAW = " Served by a closure: what it takes and gives is not described.";

/** The descriptor of all that is served: what no contract says, by name alone. */
export function describe(contracts: readonly Uint8Array[], targets: readonly string[]): Uint8Array {
  const together: Named = new Map(KINDS.map((kind) => [kind, new Map()]));
  const known = new Set<string>();
  for (const contract of contracts) {
    const entries = entriesOf(contract);
    const parts = KINDS.flatMap((kind) => listOf(entries.get(kind)).map((bytes) => ({ kind, name: textOf(entriesOf(bytes), NAME)!, bytes })));
    const names = freeNames(parts, together);
    for (const part of parts) together.get(part.kind)!.set(names.get(part.kind)?.get(part.name) ?? part.name, renamed(part, names));
    for (const target of targetsOf(entries)) known.add(target);
  }
  addUnknown(together.get(SERVICES)!, targets.filter((target) => !known.has(target)));
  const whole: Entries = contracts.length === 1 ? entriesOf(contracts[0]!) : new Map([[0, item((to) => to.int(FORM))]]);
  for (const [kind, named] of together) {
    const sorted = [...named.keys()].sort();
    if (sorted.length > 0) whole.set(kind, listing(sorted.map((name) => named.get(name)!)));
  }
  return mapping(whole);
}

/** The targets of the methods of a contract. */
function targetsOf(contract: Entries): string[] {
  return listOf(contract.get(SERVICES)).flatMap((bytes) => {
    const service = entriesOf(bytes);
    const path = [textOf(service, PACKAGE), textOf(service, WIRE) ?? textOf(service, NAME)].filter((part) => part !== undefined);
    return listOf(service.get(METHODS)).map((method) => {
      const entries = entriesOf(method);
      return [...path, textOf(entries, WIRE) ?? textOf(entries, NAME)].join(".");
    });
  });
}

/** Adds services of which nobody knows more than the names; what is no name cannot be said. */
function addUnknown(services: Map<string, Uint8Array>, targets: string[]): void {
  const methods = new Map<string, Uint8Array[]>();
  for (const target of targets.filter((target) => SAYABLE.test(target)).sort()) {
    const dot = target.lastIndexOf(".");
    const path = target.slice(0, dot);
    methods.set(path, [...(methods.get(path) ?? []), unknownMethod(target.slice(dot + 1))]);
  }
  for (const [path, listed] of methods) {
    const dot = path.lastIndexOf(".");
    const wire = path.slice(dot + 1);
    let name = wire;
    for (let number = 2; services.has(name); number += 1) name = `${wire}_${number}`;
    const service: Entries = new Map([[NAME, text(name)], [METHODS, listing(listed)]]);
    if (name !== wire) service.set(WIRE, text(wire));
    if (dot > 0) service.set(PACKAGE, text(path.slice(0, dot)));
    services.set(name, mapping(service));
  }
}

/** A method that answers with anything. */
function unknownMethod(name: string): Uint8Array {
  const answer = listing([item((to) => to.int(0)), item((to) => to.int(ANY))]);
  return mapping(new Map([[NAME, text(name)], [ANSWER, answer], [DOCS, listing([text(RAW)])]]));
}
