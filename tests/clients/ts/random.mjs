// Random payloads of the types of a contract, made from its descriptor (docs/spec/contract.md) and from nothing else.

const SCALARS = [
  "unit", "bool", "u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "int", "f32", "f64", "string", "bytes", "uuid", "timestamp",
  "duration", "decimal", "url", "any",
];
const SAFE = 2n ** 53n - 1n;
const RANGES = {
  u8: [0n, 255n], u16: [0n, 65535n], u32: [0n, 4294967295n], u64: [0n, 2n ** 64n - 1n], i8: [-128n, 127n], i16: [-32768n, 32767n],
  i32: [-(2n ** 31n), 2n ** 31n - 1n], i64: [-(2n ** 63n), 2n ** 63n - 1n], int: [-SAFE, SAFE], timestamp: [-SAFE, SAFE], duration: [0n, SAFE],
};
/** From here on lists are empty and what may be left out is. */
const DEPTH = 6;

/** What the module of a contract says of its types. */
export function typesOf(runtime, module) {
  const descriptor = runtime.decode(runtime.anyCodec, module.DESCRIPTOR);
  return new Map((descriptor.get(3) ?? []).map((type) => [type.get(0), type]));
}

export class Random {
  constructor(runtime, types, seed) {
    this.runtime = runtime;
    this.types = types;
    this.state = seed;
  }

  below(limit) {
    this.state = (Math.imul(this.state, 1103515245) + 12345) >>> 0;
    return Math.floor(this.state / 65536) % limit;
  }

  one(list) {
    return list[this.below(list.length)];
  }

  write(work) {
    const writer = new this.runtime.Writer();
    work(writer);
    return writer.take();
  }

  head(major, value) {
    return this.write((writer) => writer.head(major, value));
  }

  text(text) {
    return this.write((writer) => writer.text(text));
  }

  /** A payload of a named type. Keys are "numbers", "names" or "both". */
  named(name, keys, depth = 0) {
    const type = this.types.get(name);
    const content = type.get(3);
    switch (type.get(2)) {
      case 0:
        return this.record(content ?? [], keys, depth);
      case 1:
        return this.value(content, keys, depth);
      case 2:
        return Uint8Array.of(0xf6);
      case 3:
        return this.member(type, content ?? [], keys);
      default:
        return this.variant(type, content ?? [], keys, depth);
    }
  }

  key(entry, keys) {
    const asNumber = keys === "both" ? this.below(2) === 0 : keys === "numbers";
    return asNumber ? this.head(0, entry.get(2)) : this.text(entry.get(1) ?? entry.get(0));
  }

  unknownKey() {
    return this.below(2) ? this.head(0, 777_777) : this.text("from_the_future");
  }

  member(type, members, keys) {
    const isOpen = !type.get(4);
    return members.length === 0 || (isOpen && this.below(6) === 0) ? this.unknownKey() : this.key(this.one(members), keys);
  }

  variant(type, variants, keys, depth) {
    const isOpen = !type.get(4) || type.get(5);
    if (variants.length === 0 || (isOpen && this.below(6) === 0)) {
      return this.below(2) ? this.unknownKey() : Buffer.concat([Uint8Array.of(0xa1), this.unknownKey(), this.scalar("any")]);
    }
    const plain = variants.find((variant) => !variant.has(3));
    const variant = depth > DEPTH && plain ? plain : this.one(variants);
    const key = this.key(variant, keys);
    if (!variant.has(3)) return key;
    const [kind, of] = variant.get(3);
    const content = kind === 0 ? this.value(of, keys, depth + 1) : this.record(of, keys, depth + 1);
    return this.below(2) ? Buffer.concat([Uint8Array.of(0xa1), key, content]) : Buffer.concat([Uint8Array.of(0xbf), key, content, Uint8Array.of(0xff)]);
  }

  record(fields, keys, depth) {
    const parts = [];
    const start = fields.length === 0 ? 0 : this.below(fields.length);
    for (const field of [...fields.slice(start), ...fields.slice(0, start)]) {
      const type = Array.isArray(field.get(3)) && field.get(3)[0] === 0 ? field.get(3)[1] : field.get(3);
      if ((field.get(4) || field.get(5)) && (depth > DEPTH || this.below(2))) continue;
      const isNull = field.get(4) && this.below(5) === 0;
      parts.push(Buffer.concat([this.key(field, keys), isNull ? Uint8Array.of(0xf6) : this.value(type, keys, depth + 1)]));
    }
    if (this.below(3) === 0) parts.push(Buffer.concat([this.unknownKey(), this.scalar("any")]));
    return this.container(0xa0, parts);
  }

  /** Of a definite length, or an indefinite one. */
  container(major, parts) {
    if (this.below(2)) return Buffer.concat([this.head(major, parts.length), ...parts]);
    return Buffer.concat([Uint8Array.of(major | 31), ...parts, Uint8Array.of(0xff)]);
  }

  value(type, keys, depth) {
    if (typeof type === "number") return this.scalar(SCALARS[type]);
    if (typeof type === "string") return this.named(type, keys, depth);
    const [kind, of, more] = type;
    if (kind === 0) return depth > DEPTH || this.below(2) ? Uint8Array.of(0xf6) : this.value(of, keys, depth);
    if (kind === 3) return this.map(of, more, keys, depth);
    const length = kind === 2 ? more : depth > DEPTH ? 0 : this.below(4);
    return this.container(0x80, Array.from({ length }, () => this.value(of, keys, depth + 1)));
  }

  map(key, of, keys, depth) {
    const entries = new Map();
    // A key that comes as number and as name is one key.
    const mode = keys === "both" ? "numbers" : keys;
    for (let left = depth > DEPTH ? 0 : this.below(4); left > 0; left -= 1) {
      const bytes = this.value(key, mode, depth + 1);
      entries.set(Buffer.from(bytes).toString("hex"), Buffer.concat([bytes, this.value(of, keys, depth + 1)]));
    }
    return this.container(0xa0, [...entries.values()]);
  }

  scalar(name) {
    const range = RANGES[name];
    if (range !== undefined) {
      const [least, most] = range;
      const picked = this.one([least, most, 0n, 1n, 23n, 24n, most / 2n, least / 3n]);
      return this.write((writer) => writer.big(picked));
    }
    const { Tagged, writeAny } = this.runtime;
    return this.write((writer) => {
      switch (name) {
        case "unit":
          return writer.null();
        case "bool":
          return writer.bool(this.below(2) === 0);
        case "f32":
          return writer.f32(this.one([0, 1.5, -3, Infinity, NaN, 1e10]));
        case "f64":
          return writer.f64(this.one([0, -0, 1.25, 1e300, NaN, -Infinity]));
        case "bytes":
          return writer.blob(Uint8Array.from({ length: this.below(40) }, () => this.below(256)));
        case "uuid":
          return writer.blob(Uint8Array.from({ length: 16 }, () => this.below(256)));
        case "decimal":
          return writer.text(this.one(["0", "-1.5", "12.50", "300"]));
        case "any":
          return writeAny(writer, this.one([
            null, 1, -5, 2 ** 40, "t", [1, [2]], { a: 1, ["__proto__"]: 2 }, new Map([[1, 2]]), new Tagged(5, "x"), true, 1.5,
            123456789012345678n, undefined, new Uint8Array(2),
          ]));
        default:
          return writer.text(this.one(["", "a", "ü", "𝄞x", "x".repeat(30), "y".repeat(300), "with \u0000 in it", "é".repeat(20)]));
      }
    });
  }
}
