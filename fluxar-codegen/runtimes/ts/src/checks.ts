/** Constraints of contracts. Each says in `invalid_argument` which field breaks it. */

import { FluxarError } from "./status.js";

function broken(path: string, text: string): never {
  throw new FluxarError("invalid_argument", `${path === "" ? "the value" : path}: ${text}`);
}

/** The path of a field within another. */
export function at(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** A number within bounds, both included. */
export function checkRange(value: number | bigint, least: number | bigint | null, most: number | bigint | null, path: string): void {
  if (least !== null && !(value >= least)) broken(path, `${value} is below ${least}`);
  if (most !== null && !(value <= most)) broken(path, `${value} is above ${most}`);
}

/** The length of a text in characters, of bytes, or of a list or map in entries. */
export function checkLength(
  value: string | Uint8Array | readonly unknown[] | ReadonlyMap<unknown, unknown>,
  least: number | null,
  most: number | null,
  path: string,
): void {
  const length = lengthOf(value);
  if (least !== null && length < least) broken(path, `it has ${length}, and at least ${least} are wanted`);
  if (most !== null && length > most) broken(path, `it has ${length}, and at most ${most} are wanted`);
}

function lengthOf(value: string | Uint8Array | readonly unknown[] | ReadonlyMap<unknown, unknown>): number {
  if (typeof value === "string") {
    let characters = 0;
    for (const _ of value) characters += 1;
    return characters;
  }
  return value instanceof Map ? value.size : (value as Uint8Array | readonly unknown[]).length;
}

const patterns = new Map<string, RegExp>();

/** A text that matches a pattern of the contract as a whole. */
export function checkPattern(value: string, pattern: string, path: string): void {
  let regex = patterns.get(pattern);
  if (regex === undefined) {
    regex = new RegExp(`^(?:${pattern})$`, "u");
    patterns.set(pattern, regex);
  }
  if (!regex.test(value)) broken(path, `it does not match ${pattern}`);
}

/** A text of a known form. */
export function checkFormat(value: string, format: string, path: string): void {
  if (!isOfFormat(value, format)) broken(path, `it is no ${format}`);
}

const LOCAL = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}$/;
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const HOST = /^(?=.{1,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;

const OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
const IPV4 = new RegExp(`^${OCTET}(\\.${OCTET}){3}$`);

function isIpv6(value: string): boolean {
  const halves = value.split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  const last = groups.at(-1);
  // The last two groups may be written as an IPv4 address.
  const isMixed = last !== undefined && IPV4.test(last) && value.endsWith(last);
  const count = groups.length + (isMixed ? 1 : 0);
  const plain = isMixed ? groups.slice(0, -1) : groups;
  return plain.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group)) && (halves.length === 2 ? count < 8 : count === 8);
}

function isEmail(value: string): boolean {
  const at = value.indexOf("@");
  return at > 0 && LOCAL.test(value.slice(0, at)) && HOST.test(value.slice(at + 1));
}

/** A day of the Gregorian calendar, which has a year 0. */
function isDate(value: string): boolean {
  const parts = DATE.exec(value);
  if (parts === null) return false;
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
  return day >= 1 && day <= days;
}

function isOfFormat(value: string, format: string): boolean {
  switch (format) {
    case "email":
      return isEmail(value);
    case "date":
      return isDate(value);
    case "hostname":
      return HOST.test(value);
    case "ipv4":
      return IPV4.test(value);
    case "ipv6":
      return isIpv6(value);
    default:
      return false;
  }
}

/** Checks each item of a list. */
export function checkEach<T>(list: readonly T[], check: (item: T, path: string) => void, path: string): void {
  for (let i = 0; i < list.length; i += 1) check(list[i]!, `${path}[${i}]`);
}

/** Checks each value of a map. */
export function checkValues<K, V>(map: ReadonlyMap<K, V>, check: (item: V, path: string) => void, path: string): void {
  for (const [key, value] of map) check(value, `${path}[${JSON.stringify(String(key))}]`);
}
