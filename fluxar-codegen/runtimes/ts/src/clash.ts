/** Several contracts in one descriptor: what has a name that something else has already gets another one [IDL.desc.8]. */

import { compareBytes } from "./bytes.js";
import { entriesOf, listOf, listing, mapping, text } from "./entries.js";
import type { Entries } from "./entries.js";
import { Reader } from "./reader.js";

const TYPES = 3;
const SERVICES = 4;
const TOPICS = 5;
const NAME = 0;
const WIRE = 1;

/** An item of a contract. */
export interface Part {
  readonly kind: number;
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Items by their kind and their name. */
export type Named = Map<number, Map<string, Uint8Array>>;
/** New names by the kind and the old name. */
export type Names = Map<number, Map<string, string>>;

type Change = (bytes: Uint8Array) => Uint8Array;

/** New names for those of a contract's items whose name something else has already. */
export function freeNames(parts: readonly Part[], together: Named): Names {
  const names: Names = new Map();
  const own = new Set(parts.map(({ kind, name }) => `${kind} ${name}`));
  const tried = new Map<string, number>();
  // What refers to something that gets another name is something else by that, too.
  for (let isSettled = false; !isSettled; ) {
    isSettled = true;
    for (const part of parts) {
      const { kind, name } = part;
      const other = together.get(kind)?.get(names.get(kind)?.get(name) ?? name);
      if (other === undefined || compareBytes(other, renamed(part, names)) === 0) continue;
      isSettled = false;
      let number = (tried.get(`${kind} ${name}`) ?? 1) + 1;
      while (own.has(`${kind} ${name}_${number}`)) number += 1;
      tried.set(`${kind} ${name}`, number);
      names.set(kind, (names.get(kind) ?? new Map<string, string>()).set(name, `${name}_${number}`));
    }
  }
  return names;
}

/** The item under the names that it and its types, services and topics have here. */
export function renamed({ kind, name, bytes }: Part, names: Names): Uint8Array {
  if (names.size === 0) return bytes;
  const entries = entriesOf(bytes);
  const own = names.get(kind)?.get(name);
  if (own !== undefined) {
    entries.set(NAME, text(own));
    // The peer goes by this one.
    if ((kind === TYPES || kind === SERVICES) && !entries.has(WIRE)) entries.set(WIRE, text(name));
  }
  const types = names.get(TYPES);
  const change = (key: number, how: Change) => void changed(entries, key, how);
  if (kind === TYPES) {
    const shape = new Reader(entries.get(2)!).peek();
    change(3, shape === 0 ? fieldsOf(types) : shape === 1 ? typeOf(types) : variantsOf(types));
    change(8, fieldsOf(types));
  } else if (kind === SERVICES) {
    change(3, each((method) => methodOf(method, types)));
  } else if (kind === TOPICS) {
    change(2, each(tailOf(types)));
    change(3, typeOf(types));
  } else {
    change(2, namesOf(names.get(SERVICES)));
    change(3, namesOf(names.get(SERVICES)));
    change(4, namesOf(names.get(TOPICS)));
  }
  return mapping(entries);
}

function isList(bytes: Uint8Array): boolean {
  return new Reader(bytes).peek() >> 5 === 4;
}

function isText(bytes: Uint8Array): boolean {
  return new Reader(bytes).peek() >> 5 === 3;
}

function each(how: Change): Change {
  return (bytes) => listing(listOf(bytes).map(how));
}

/** A reference to a type: a number, a name, or a list of its kind and what it is made of. */
function typeOf(types: ReadonlyMap<string, string> | undefined): Change {
  return (bytes) => {
    if (!isText(bytes)) return tailOf(types)(bytes);
    const name = types?.get(new Reader(bytes).text());
    return name === undefined ? bytes : text(name);
  };
}

/** A list whose first part is no type. */
function tailOf(types: ReadonlyMap<string, string> | undefined): Change {
  return (bytes) => {
    if (!isList(bytes)) return bytes;
    const [head, ...tail] = listOf(bytes);
    return listing([head!, ...tail.map(typeOf(types))]);
  };
}

/** Whatever has its type under 3: fields, parameters, what is retired. */
function fieldsOf(types: ReadonlyMap<string, string> | undefined): Change {
  return entry(3, typeOf(types));
}

/** Content: `[0, type]`, or `[1, fields]`. */
function variantsOf(types: ReadonlyMap<string, string> | undefined): Change {
  return entry(3, (bytes) => {
    const [holds, of] = listOf(bytes) as [Uint8Array, Uint8Array];
    return listing([holds, (holds[0] === 0 ? typeOf(types) : fieldsOf(types))(of)]);
  });
}

/** Changes an entry of each map of a list. */
function entry(key: number, how: Change): Change {
  return each((bytes) => mapping(changed(entriesOf(bytes), key, how)));
}

/** Changes an entry that is there. */
function changed(entries: Entries, key: number, how: Change): Entries {
  const before = entries.get(key);
  return before === undefined ? entries : entries.set(key, how(before));
}

function methodOf(method: Uint8Array, types: ReadonlyMap<string, string> | undefined): Uint8Array {
  const entries = entriesOf(method);
  const parts: readonly (readonly [key: number, how: Change])[] = [
    [2, fieldsOf(types)], [3, tailOf(types)], [4, typeOf(types)], [5, tailOf(types)], [6, typeOf(types)],
  ];
  for (const [key, how] of parts) changed(entries, key, how);
  return mapping(entries);
}

function namesOf(names: ReadonlyMap<string, string> | undefined): Change {
  return (bytes) => {
    const all = listOf(bytes).map((name) => new Reader(name).text());
    return listing(all.map((name) => names?.get(name) ?? name).sort().map(text));
  };
}
