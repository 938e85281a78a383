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

/** A text that matches a pattern as a whole. */
export function checkPattern(value: string, pattern: RegExp, path: string): void {
  if (!pattern.test(value)) broken(path, `it does not match ${pattern.source}`);
}

/** A text of a known form. */
export function checkFormat(value: string, format: string, path: string): void {
  if (!isOfFormat(value, format)) broken(path, `it is no ${format}`);
}

const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;
const DATE = /^\d{4}-\d\d-\d\d$/;
const HOST = /^(?=.{1,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;

function isOfFormat(value: string, format: string): boolean {
  switch (format) {
    case "email":
      return EMAIL.test(value);
    case "date":
      return DATE.test(value) && !Number.isNaN(Date.parse(value));
    case "hostname":
      return HOST.test(value);
    case "url":
    case "uri":
      return URL.canParse(value);
    default:
      return true;
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
