// fluxar: the runtime for browsers and Node. Made by bundle.mjs from src/: do not edit.

// src/number.ts
var TWO_32 = 4294967296;
var TWO_64 = 1n << 64n;
function halfToNumber(bits) {
  const sign = bits & 32768 ? -1 : 1;
  const exponent = bits >> 10 & 31;
  const fraction2 = bits & 1023;
  if (exponent === 0) return sign * 2 ** -24 * fraction2;
  if (exponent === 31) return fraction2 === 0 ? sign * Infinity : NaN;
  return sign * 2 ** (exponent - 25) * (1024 + fraction2);
}

// src/status.ts
var NAMES = [
  "cancelled",
  "unknown",
  "invalid_argument",
  "deadline_exceeded",
  "not_found",
  "already_exists",
  "permission_denied",
  "resource_exhausted",
  "failed_precondition",
  "aborted",
  "out_of_range",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
  "unauthenticated",
  "indeterminate"
];
var MESSAGE_BYTES_MAX = 4096;
function codeNumber(code) {
  return NAMES.indexOf(code) + 1;
}
function codeName(number) {
  return NAMES[number - 1] ?? "unknown";
}
var FluxarError = class extends Error {
  code;
  /** The application's name of its error's type. */
  typeName;
  /** The application's error as it travelled. */
  details;
  retryAfterMs;
  origin;
  /** The application's error, where the client knows its type. */
  detail;
  constructor(code, message, options = {}) {
    super(message, options.cause === void 0 ? void 0 : { cause: options.cause });
    this.name = "FluxarError";
    this.code = code;
    this.typeName = options.typeName;
    this.details = options.details;
    this.retryAfterMs = options.retryAfterMs;
    this.origin = options.origin ?? "local";
    this.detail = options.detail;
  }
  /** Whether the request certainly never reached its callee [L3.code.1]. */
  get isRetryable() {
    return this.code === "unavailable";
  }
};
function toFluxarError(thrown) {
  if (thrown instanceof FluxarError) return thrown;
  const text3 = thrown instanceof Error ? thrown.name : typeof thrown;
  return new FluxarError("internal", `[L5.call.6] the handler threw: ${text3}`, { cause: thrown });
}
function cutMessage(message) {
  if (message.length * 3 <= MESSAGE_BYTES_MAX) return whole(message);
  return `${whole(message.slice(0, Math.floor(MESSAGE_BYTES_MAX / 3) - 1))}…`;
}
function whole(text3) {
  return text3.replace(/\p{Surrogate}/gu, "�");
}
var Violation = class extends Error {
  rule;
  code;
  constructor(rule, text3, code = "invalid_argument") {
    super(`[${rule}] ${text3}`);
    this.name = "Violation";
    this.rule = rule;
    this.code = code;
  }
};

// src/utf8.ts
var decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
var encoder = new TextEncoder();
var SHORT_BYTES = 28;
function decodeText(bytes, start, end) {
  if (end - start <= SHORT_BYTES) {
    const short = decodeAscii(bytes, start, end);
    if (short !== void 0) return short;
  }
  try {
    return decoder.decode(bytes.subarray(start, end));
  } catch {
    return void 0;
  }
}
function decodeAscii(b, start, end) {
  let text3 = "";
  let at2 = start;
  while (end - at2 >= 8) {
    const c0 = b[at2], c1 = b[at2 + 1], c2 = b[at2 + 2], c3 = b[at2 + 3];
    const c4 = b[at2 + 4], c5 = b[at2 + 5], c6 = b[at2 + 6], c7 = b[at2 + 7];
    if ((c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7) > 127) return void 0;
    text3 += String.fromCharCode(c0, c1, c2, c3, c4, c5, c6, c7);
    at2 += 8;
  }
  if (end - at2 >= 4) {
    const c0 = b[at2], c1 = b[at2 + 1], c2 = b[at2 + 2], c3 = b[at2 + 3];
    if ((c0 | c1 | c2 | c3) > 127) return void 0;
    text3 += String.fromCharCode(c0, c1, c2, c3);
    at2 += 4;
  }
  switch (end - at2) {
    case 3: {
      const c0 = b[at2], c1 = b[at2 + 1], c2 = b[at2 + 2];
      return (c0 | c1 | c2) > 127 ? void 0 : text3 + String.fromCharCode(c0, c1, c2);
    }
    case 2: {
      const c0 = b[at2], c1 = b[at2 + 1];
      return (c0 | c1) > 127 ? void 0 : text3 + String.fromCharCode(c0, c1);
    }
    case 1: {
      const c0 = b[at2];
      return c0 > 127 ? void 0 : text3 + String.fromCharCode(c0);
    }
    default:
      return text3;
  }
}
function encodeText(text3) {
  return isWellFormed(text3) ? encoder.encode(text3) : void 0;
}
function encodeTextInto(text3, bytes, at2) {
  return encoder.encodeInto(text3, bytes.subarray(at2)).written;
}
var LONE_SURROGATE = /\p{Surrogate}/u;
function isWellFormed(text3) {
  return !LONE_SURROGATE.test(text3);
}

// src/bytes.ts
var START_BYTES = 256;
var KEEP_BYTES_MAX = 64 << 10;
var LOOP_UNITS_MAX = 64;
var Writer = class {
  bytes = new Uint8Array(START_BYTES);
  at = 0;
  /** True when keys of records are numbers, false when they are names. */
  numbers = false;
  /** What was written, as a copy; the writer is empty afterwards. */
  take() {
    const out = this.bytes.slice(0, this.at);
    this.at = 0;
    if (this.bytes.length > KEEP_BYTES_MAX) this.bytes = new Uint8Array(START_BYTES);
    return out;
  }
  /** Makes room for `more` bytes. */
  room(more) {
    const need3 = this.at + more;
    if (need3 <= this.bytes.length) return;
    const next = new Uint8Array(Math.max(2 * this.bytes.length, need3));
    next.set(this.bytes.subarray(0, this.at));
    this.bytes = next;
  }
  byte(value) {
    this.room(1);
    this.bytes[this.at++] = value;
  }
  raw(part2) {
    this.room(part2.length);
    this.bytes.set(part2, this.at);
    this.at += part2.length;
  }
  /** A head: `major` in the three highest bits (0x00, 0x20, … 0xe0), then a safe integer. */
  head(major, value) {
    this.room(9);
    const b = this.bytes;
    if (value < 24) {
      b[this.at++] = major | value;
    } else if (value < 256) {
      b[this.at++] = major | 24;
      b[this.at++] = value;
    } else if (value < 65536) {
      b[this.at++] = major | 25;
      b[this.at++] = value >> 8;
      b[this.at++] = value;
    } else if (value < TWO_32) {
      b[this.at++] = major | 26;
      this.word(value);
    } else {
      b[this.at++] = major | 27;
      this.word(Math.floor(value / TWO_32));
      this.word(value % TWO_32);
    }
  }
  word(value) {
    const b = this.bytes;
    b[this.at++] = value >>> 24;
    b[this.at++] = value >>> 16;
    b[this.at++] = value >>> 8;
    b[this.at++] = value;
  }
  /** A head with an integer of up to 64 bits. */
  headBig(major, value) {
    if (value <= 0xffffffffn) {
      this.head(major, Number(value));
      return;
    }
    this.room(9);
    this.bytes[this.at++] = major | 27;
    this.word(Number(value >> 32n));
    this.word(Number(value & 0xffffffffn));
  }
  /** A safe integer. */
  int(value) {
    if (value >= 0) this.head(0, value);
    else this.head(32, -1 - value);
  }
  /** An integer of up to 64 bits. */
  big(value) {
    if (value >= 0n) this.headBig(0, value);
    else this.headBig(32, -1n - value);
  }
  null() {
    this.byte(246);
  }
  bool(value) {
    this.byte(value ? 245 : 244);
  }
  f32(value) {
    this.room(5);
    this.bytes[this.at++] = 250;
    SCRATCH.setFloat32(0, value);
    this.bytes.set(SCRATCH_4, this.at);
    this.at += 4;
  }
  f64(value) {
    this.room(9);
    this.bytes[this.at++] = 251;
    SCRATCH.setFloat64(0, value);
    this.bytes.set(SCRATCH_8, this.at);
    this.at += 8;
  }
  blob(value) {
    this.head(64, value.length);
    this.raw(value);
  }
  text(value) {
    const units = value.length;
    this.room(9 + 3 * units);
    const start = this.at;
    if (units <= LOOP_UNITS_MAX) {
      const head = units < 24 ? 1 : 2;
      const b = this.bytes;
      let at2 = start + head;
      let any = 0;
      for (let i = 0; i < units; i += 1) {
        const unit = value.charCodeAt(i);
        any |= unit;
        b[at2++] = unit;
      }
      if (any < 128) {
        if (head === 1) b[start] = 96 | units;
        else b[start] = 120, b[start + 1] = units;
        this.at = at2;
        return;
      }
    }
    this.longText(value, start);
  }
  longText(value, start) {
    if (!isWellFormed(value)) {
      throw new FluxarError("invalid_argument", "a text holds half of a surrogate pair: it has no UTF-8");
    }
    const body = start + 9;
    const length = encodeTextInto(value, this.bytes, body);
    this.head(96, length);
    this.bytes.copyWithin(this.at, body, body + length);
    this.at += length;
  }
};
var SCRATCH_8 = new Uint8Array(8);
var SCRATCH_4 = SCRATCH_8.subarray(0, 4);
var SCRATCH = new DataView(SCRATCH_8.buffer);
function compareBytes(a, b) {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const difference = a[i] - b[i];
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
function concat(parts) {
  const out = new Uint8Array(parts.reduce((sum, part2) => sum + part2.length, 0));
  let at2 = 0;
  for (const part2 of parts) {
    out.set(part2, at2);
    at2 += part2.length;
  }
  return out;
}

// src/reader.ts
var DEPTH_MAX = 64;
var DecodeError = class extends Error {
  where = "";
  /** The place, as `rows[3].email`. */
  get path() {
    return this.where;
  }
  within(part2) {
    if (part2 === "") return this;
    this.where = this.where === "" || this.where.startsWith("[") ? part2 + this.where : `${part2}.${this.where}`;
    return this;
  }
  /** As an outcome. */
  asError(code, rule) {
    const place = this.where === "" ? "" : `${this.where}: `;
    return new FluxarError(code, `${rule}${place}${this.message}`, { cause: this });
  }
};
var Reader = class {
  bytes;
  at = 0;
  depth = 0;
  /** After `variant`: whether content follows. */
  hasContent = false;
  /** After `name` or `variant`: the key itself when it is unknown. */
  unknownKey = 0;
  isIndefinite = false;
  constructor(bytes) {
    const isPlain = bytes.constructor === Uint8Array;
    this.bytes = isPlain ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  }
  fail(text3) {
    throw new DecodeError(text3);
  }
  /** Adds where it was to an error. */
  within(thrown, part2) {
    return thrown instanceof DecodeError ? thrown.within(part2) : thrown;
  }
  /** Nothing may follow. */
  end() {
    if (this.at !== this.bytes.length) this.fail("bytes follow the value");
  }
  // ---- heads
  first() {
    const first2 = this.bytes[this.at];
    if (first2 === void 0) this.fail("the value ends too early");
    this.at += 1;
    return first2;
  }
  /** The argument of a head; not exact above 2^53. */
  argument(info) {
    if (info < 24) return info;
    const b = this.bytes;
    const at2 = this.at;
    const size = 1 << info - 24;
    if (info > 27 || at2 + size > b.length) this.fail("a head that is cut off or not well-formed");
    this.at += size;
    if (size === 1) return b[at2];
    if (size === 2) return b[at2] << 8 | b[at2 + 1];
    const word = this.word(at2);
    return size === 4 ? word : word * TWO_32 + this.word(at2 + 4);
  }
  word(at2) {
    const b = this.bytes;
    return (b[at2] << 24 | b[at2 + 1] << 16 | b[at2 + 2] << 8 | b[at2 + 3]) >>> 0;
  }
  /** An argument of up to 64 bits. */
  bigArgument(info) {
    if (info !== 27) return BigInt(this.argument(info));
    const at2 = this.at;
    this.argument(info);
    return BigInt(this.word(at2)) << 32n | BigInt(this.word(at2 + 4));
  }
  // ---- numbers
  /** An integer within ±(2^53 - 1). Integral floats count. */
  int() {
    const first2 = this.first();
    if (first2 < 24) return first2;
    const major = first2 >> 5;
    let value;
    if (major === 0) value = this.argument(first2 & 31);
    else if (major === 1) value = -1 - this.argument(first2 & 31);
    else value = this.integral(first2);
    if (!(Math.abs(value) <= Number.MAX_SAFE_INTEGER)) this.fail("the number is beyond 2^53 - 1");
    return value;
  }
  /** An integer within bounds. */
  ranged(least, most) {
    const value = this.int();
    if (value < least || value > most) this.fail(`${value} is not within ${least} to ${most}`);
    return value;
  }
  integral(first2) {
    const value = this.float(first2);
    return Number.isInteger(value) ? value + 0 : this.fail("a whole number is wanted");
  }
  u64() {
    return this.big(0n, 0xffffffffffffffffn);
  }
  i64() {
    return this.big(-0x8000000000000000n, 0x7fffffffffffffffn);
  }
  big(least, most) {
    const first2 = this.first();
    const major = first2 >> 5;
    let value;
    if (major === 0) value = this.bigArgument(first2 & 31);
    else if (major === 1) value = -1n - this.bigArgument(first2 & 31);
    else value = BigInt(this.integral(first2));
    if (value < least || value > most) this.fail(`${value} is not within ${least} to ${most}`);
    return value;
  }
  /** A float of any width; integers count. */
  f64() {
    const first2 = this.first();
    const major = first2 >> 5;
    if (major === 0) return Number(this.bigArgument(first2 & 31));
    if (major === 1) return Number(-1n - this.bigArgument(first2 & 31));
    return this.float(first2);
  }
  f32() {
    return Math.fround(this.f64());
  }
  float(first2) {
    const at2 = this.at;
    if (first2 === 251) {
      this.argument(27);
      return this.view(at2).getFloat64(0);
    }
    if (first2 === 250) {
      this.argument(26);
      return this.view(at2).getFloat32(0);
    }
    if (first2 === 249) return halfToNumber(this.argument(25));
    return this.fail(`a number is wanted, not ${kindOf(first2)}`);
  }
  view(at2) {
    return new DataView(this.bytes.buffer, this.bytes.byteOffset + at2, this.bytes.length - at2);
  }
  // ---- scalars
  bool() {
    const first2 = this.first();
    if (first2 === 245) return true;
    if (first2 === 244) return false;
    return this.fail(`true or false is wanted, not ${kindOf(first2)}`);
  }
  /** Takes a null, if one is there. */
  isNull() {
    const first2 = this.bytes[this.at];
    if (first2 !== 246 && first2 !== 247) return false;
    this.at += 1;
    return true;
  }
  text() {
    const first2 = this.first();
    if (first2 === 127) return this.chunks(3, (start, end) => this.slice(start, end)).join("");
    if (first2 >> 5 !== 3) this.fail(`text is wanted, not ${kindOf(first2)}`);
    const length = this.argument(first2 & 31);
    return this.slice(this.at, this.skipBytes(length));
  }
  slice(start, end) {
    const text3 = decodeText(this.bytes, start, end);
    return text3 === void 0 ? this.fail("text is not UTF-8") : text3;
  }
  /** Bytes, as a copy. */
  blob() {
    const first2 = this.first();
    if (first2 === 95) {
      const parts = this.chunks(2, (start, end) => this.bytes.subarray(start, end));
      const out = new Uint8Array(parts.reduce((sum, part2) => sum + part2.length, 0));
      let at2 = 0;
      for (const part2 of parts) {
        out.set(part2, at2);
        at2 += part2.length;
      }
      return out;
    }
    if (first2 >> 5 !== 2) this.fail(`bytes are wanted, not ${kindOf(first2)}`);
    const length = this.argument(first2 & 31);
    return this.bytes.slice(this.at, this.skipBytes(length));
  }
  /** The pieces of a text or bytes of indefinite length. */
  chunks(major, take) {
    const parts = [];
    for (; ; ) {
      const first2 = this.first();
      if (first2 === 255) return parts;
      if (first2 >> 5 !== major || (first2 & 31) > 27) this.fail("a piece of an indefinite length has another type");
      const length = this.argument(first2 & 31);
      parts.push(take(this.at, this.skipBytes(length)));
    }
  }
  skipBytes(length) {
    if (length > this.bytes.length - this.at) this.fail("a text or bytes reach past the end");
    this.at += length;
    return this.at;
  }
  /** A tag, if one is there. */
  tag() {
    const first2 = this.bytes[this.at];
    if (first2 === void 0 || first2 >> 5 !== 6) return void 0;
    this.at += 1;
    return this.argument(first2 & 31);
  }
  // ---- containers
  deepen() {
    this.depth += 1;
    if (this.depth > DEPTH_MAX) this.fail(`values are nested deeper than ${DEPTH_MAX}`);
  }
  leave() {
    this.depth -= 1;
  }
  /** Enters a map; its entries, or -1 for an indefinite length. Each `more` takes one. */
  enterMap() {
    const first2 = this.first();
    if (first2 >> 5 !== 5) this.fail(`a map is wanted, not ${kindOf(first2)}`);
    this.deepen();
    return first2 === 191 ? -1 : this.argument(first2 & 31);
  }
  enterArray() {
    const first2 = this.first();
    if (first2 >> 5 !== 4) this.fail(`an array is wanted, not ${kindOf(first2)}`);
    this.deepen();
    return first2 === 159 ? -1 : this.argument(first2 & 31);
  }
  /** Whether there is another entry when `left` are. */
  more(left) {
    if (left >= 0) return left > 0;
    if (this.bytes[this.at] !== 255) return true;
    this.at += 1;
    return false;
  }
  /** The key of a record's field: its number, or 0 for a name that is unknown. */
  key(names2) {
    const first2 = this.bytes[this.at];
    if (first2 !== void 0 && first2 < 24) {
      this.at += 1;
      return first2;
    }
    if (first2 !== void 0 && first2 >> 5 === 0) {
      this.at += 1;
      return this.argument(first2 & 31);
    }
    if (first2 === void 0 || first2 >> 5 !== 3) this.fail("the key of a field is a number or a name");
    return this.name(names2) ?? 0;
  }
  /** What a name stands for, of which a text is made only when it is unknown. */
  name(names2) {
    const length = this.bytes[this.at] - 96;
    if (length >= 0 && length < 24) {
      const found = names2.find(this.bytes, this.at + 1, length);
      if (found !== void 0) {
        this.at += 1 + length;
        return found;
      }
    }
    const text3 = this.text();
    this.unknownKey = text3;
    return names2.get(text3);
  }
  /** A key of a field or variant came twice. */
  twice() {
    return this.fail("the key came twice");
  }
  array(read) {
    const list = [];
    const count = this.enterArray();
    try {
      for (let left = count; this.more(left); left -= 1) list.push(read(this));
    } catch (thrown) {
      throw this.within(thrown, `[${list.length}]`);
    }
    this.depth -= 1;
    return list;
  }
  /** A map whose keys are data. */
  map(readKey2, readValue) {
    const map = /* @__PURE__ */ new Map();
    const seen = /* @__PURE__ */ new Set();
    const count = this.enterMap();
    for (let left = count; this.more(left); left -= 1) {
      const key2 = readKey2(this);
      const identity = identityOf(key2);
      if (seen.has(identity)) this.fail("a key of a map came twice");
      seen.add(identity);
      try {
        map.set(key2, readValue(this));
      } catch (thrown) {
        throw this.within(thrown, `[${JSON.stringify(String(identity))}]`);
      }
    }
    this.depth -= 1;
    return map;
  }
  // ---- variants
  /** The key of a variant: its number or 0 when it is unknown. Content follows when `hasContent`. */
  variant(names2, numbers) {
    const first2 = this.bytes[this.at];
    this.hasContent = first2 !== void 0 && first2 >> 5 === 5;
    if (this.hasContent) {
      this.isIndefinite = first2 === 191;
      const count = this.enterMap();
      if (count !== 1 && count !== -1) this.fail("a variant with content is a map of one entry");
    }
    const number = this.isText() ? this.name(names2) ?? 0 : this.number();
    return numbers.has(number) ? number : 0;
  }
  /** The content of a variant was read; the map of one entry ends here. */
  endVariant(wasIndefinite) {
    if (wasIndefinite && this.first() !== 255) this.fail("a variant with content is a map of one entry");
    this.depth -= 1;
  }
  /** Whether the map that the last variant stands in has an indefinite length: to be asked before the content is read. */
  get isOpenEnded() {
    return this.isIndefinite;
  }
  /** A variant that must have content has none. */
  needContent() {
    if (!this.hasContent) this.fail("the variant needs its content");
  }
  /** Whether a text is next. */
  isText() {
    return this.bytes[this.at] >> 5 === 3;
  }
  /** A key that is a number, where a name might have been. */
  number() {
    const first2 = this.bytes[this.at];
    if (first2 === void 0 || first2 >> 5 !== 0) {
      this.fail(`a number or a name is wanted, not ${first2 === void 0 ? "the end" : kindOf(first2)}`);
    }
    const key2 = this.int();
    this.unknownKey = key2;
    return key2;
  }
  // ---- what is not known
  /** Skips one item. */
  skip() {
    const first2 = this.first();
    const major = first2 >> 5;
    const info = first2 & 31;
    if (info > 27 && !(info === 31 && major > 1 && major < 6)) this.fail("a head that is not well-formed");
    if (major === 2 || major === 3) {
      this.at -= 1;
      if (major === 2) this.blob();
      else this.text();
    } else if (major === 4 || major === 5) {
      this.at -= 1;
      const count = major === 4 ? this.enterArray() : this.enterMap();
      for (let left = count; this.more(left); left -= 1) {
        this.skip();
        if (major === 5) this.skip();
      }
      this.depth -= 1;
    } else if (major === 6) {
      this.argument(info);
      this.deepen();
      this.skip();
      this.depth -= 1;
    } else if (this.argument(info) < 32 && major === 7 && info === 24) this.fail("a simple value that is not well-formed");
  }
  /** One item as it stands. */
  raw() {
    const start = this.at;
    this.skip();
    return this.bytes.slice(start, this.at);
  }
  /** The first byte of the next item. */
  peek() {
    return this.bytes[this.at] ?? this.fail("the value ends too early");
  }
  /** A simple value or a float, for `any`. */
  simpleOrFloat() {
    const first2 = this.first();
    if (first2 >= 249 && first2 <= 251) return this.float(first2);
    const value = this.argument(first2 & 31);
    if (first2 === 248 && value < 32) this.fail("a simple value that is not well-formed");
    return { simple: value };
  }
  /** An integer of up to 64 bits, as a number where that is exact. */
  integer() {
    const first2 = this.first();
    const value = this.bigArgument(first2 & 31);
    const signed = first2 >> 5 === 0 ? value : -1n - value;
    const isSafe = signed <= Number.MAX_SAFE_INTEGER && signed >= Number.MIN_SAFE_INTEGER;
    return isSafe ? Number(signed) : signed;
  }
};
function identityOf(key2) {
  if (typeof key2 !== "object" || key2 === null) return key2;
  const unknown = key2.key;
  return typeof unknown === "number" ? `#${unknown}` : `$${String(unknown)}`;
}
function kindOf(first2) {
  const kinds = ["a number", "a number", "bytes", "text", "an array", "a map", "a tag"];
  if (first2 >> 5 < 7) return kinds[first2 >> 5];
  if (first2 === 246 || first2 === 247) return "null";
  return first2 === 244 || first2 === 245 ? "true or false" : "a float";
}

// src/any.ts
var Tagged = class {
  tag;
  value;
  constructor(tag, value) {
    this.tag = tag;
    this.value = value;
  }
};
var Simple = class {
  value;
  constructor(value) {
    this.value = value;
  }
};
function readAny(reader) {
  const major = reader.peek() >> 5;
  if (major < 2) return reader.integer();
  if (major === 2) return reader.blob();
  if (major === 3) return reader.text();
  if (major === 4) return reader.array(readAny);
  if (major === 5) return readMap(reader);
  if (major === 6) return readTagged(reader);
  const value = reader.simpleOrFloat();
  if (typeof value === "number") return value;
  if (value.simple === 20 || value.simple === 21) return value.simple === 21;
  if (value.simple === 22) return null;
  return value.simple === 23 ? void 0 : new Simple(value.simple);
}
function readTagged(reader) {
  const tag = reader.tag();
  reader.deepen();
  const value = readAny(reader);
  reader.leave();
  return new Tagged(tag, value);
}
function readMap(reader) {
  const map = reader.map(readAny, readAny);
  for (const key2 of map.keys()) if (typeof key2 !== "string") return map;
  const object = {};
  for (const [key2, value] of map) {
    Object.defineProperty(object, key2, { value, writable: true, enumerable: true, configurable: true });
  }
  return object;
}
function writeAny(writer2, value, depth = 0) {
  switch (typeof value) {
    case "undefined":
      return writer2.byte(247);
    case "boolean":
      return writer2.bool(value);
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? writer2.int(value) : writer2.f64(value);
    case "bigint":
      return writeBig(writer2, value);
    case "string":
      return writer2.text(value);
    case "object":
      return writeObject(writer2, value, depth + 1);
    default:
      throw new FluxarError("invalid_argument", `a ${typeof value} cannot be sent`);
  }
}
function writeBig(writer2, value) {
  if (value > 0xffffffffffffffffn || value < -0x10000000000000000n) {
    throw new FluxarError("invalid_argument", "a bigint that is sent has at most 64 bits");
  }
  writer2.big(value);
}
function writeObject(writer2, value, depth) {
  if (value === null) return writer2.null();
  if (value instanceof Uint8Array) return writer2.blob(value);
  if (depth > DEPTH_MAX) throw new FluxarError("invalid_argument", `values are nested deeper than ${DEPTH_MAX}`);
  if (value instanceof Tagged) {
    writer2.head(192, value.tag);
    writeAny(writer2, value.value, depth);
  } else if (value instanceof Simple) {
    if (value.value > 23) writer2.byte(248);
    writer2.byte(value.value > 23 ? value.value : 224 | value.value);
  } else if (Array.isArray(value)) {
    writer2.head(128, value.length);
    for (const item2 of value) writeAny(writer2, item2, depth);
  } else writeEntries(writer2, value instanceof Map ? [...value] : Object.entries(value), depth);
}
function writeEntries(writer2, entries, depth) {
  const present2 = entries.filter(([, value]) => value !== void 0);
  writer2.head(160, present2.length);
  for (const [key2, value] of present2) {
    writeAny(writer2, key2, depth);
    writeAny(writer2, value, depth);
  }
}

// src/limits.ts
var DEFAULT_LIMITS = {
  frameBytesMax: 1 << 20,
  messageBytesMax: 16 << 20,
  callsMax: 1024,
  streamsMax: 1024,
  subscriptionsMax: 1e3,
  initialCredit: 256 << 10,
  groupsMax: 32,
  reassemblyBytesMax: 32 << 20,
  budgetBurst: 2048,
  handshakeTimeoutMs: 5e3,
  heartbeatMs: 1e4,
  drainTimeoutMs: 5e3,
  cancelGraceMs: 5e3,
  stallTimeoutMs: 3e4,
  sessionCreditMax: 64 << 20,
  wildcardsMax: 100,
  subscriptionBytesMax: 1 << 20,
  sessionQueueBytesMax: 8 << 20,
  outboxBytesMax: 24 << 20
};
var PREAUTH_FRAME_BYTES_MAX = 16384;
var FRAGMENT_BYTES = 16384;
var BUDGET_PER_SECOND = 50;
var UNKNOWN_REFS_MAX = 64;
var HOPS_MAX = 64;
var HEARTBEAT_LEAST_MS = 1e3;
var SILENCE_HEARTBEATS = 2.5;
var SLOWEST_BYTES_PER_SECOND = 1024;
var TEXT_BYTES_MAX = 512;
var CREDIT_MAX = 2 ** 31;
var ITEM_COST = 32;
var PUBLISHED_META_MAX = 48;
var PUBLISHED_META_BYTES_MAX = 7168;
var OUTBOUND_MAX = 65536;
function checkLimits(limits) {
  const isCount = (value, least) => Number.isSafeInteger(value) && value >= least;
  const wrong = !isCount(limits.frameBytesMax, 1024) && "frameBytesMax must be at least 1024" || !isCount(limits.messageBytesMax, 1024) && "messageBytesMax must be at least 1024" || !isCount(limits.groupsMax, 1) && "groupsMax must be at least 1" || !(isCount(limits.initialCredit, 1) && limits.initialCredit < 2 ** 31) && "initialCredit must be 1 to 2^31 - 1" || !isCount(limits.reassemblyBytesMax, limits.messageBytesMax) && "reassemblyBytesMax must be at least messageBytesMax" || ![limits.callsMax, limits.streamsMax, limits.subscriptionsMax].every((value) => isCount(value, 0)) && "callsMax, streamsMax and subscriptionsMax must be whole numbers from 0";
  if (wrong) throw new RangeError(`limits: ${wrong}`);
}

// src/meta.ts
var META = {
  end: 0,
  deadline: 1,
  credit: 2,
  qos: 3,
  retain: 4,
  contentType: 5,
  traceparent: 6,
  tracestate: 7,
  idempotencyKey: 8,
  to: 9,
  from: 10,
  hops: 11,
  position: 12,
  group: 13,
  expiry: 14,
  durable: 15,
  producer: 16,
  delivery: 17,
  sealed: 18,
  overflow: 19,
  encoding: 20,
  receipt: 21,
  dropped: 22
};
var NO_META = /* @__PURE__ */ new Map();
var ENTRIES_MAX = 64;
var BYTES_MAX = 8192;
var isUint = (value, max = Infinity) => (typeof value === "number" || typeof value === "bigint") && value >= 0 && value <= max;
var isText = (value) => typeof value === "string" && value.length > 0 && byteLength(value) <= TEXT_BYTES_MAX;
var isBytes = (value, length) => value instanceof Uint8Array && value.length === length;
var VALUES = [
  (value) => value === true,
  (value) => isUint(value),
  (value) => isUint(value),
  (value) => isUint(value, 2),
  (value) => value === true,
  isText,
  (value) => isBytes(value, 25),
  isText,
  (value) => isBytes(value, 16),
  isText,
  isText,
  (value) => isUint(value),
  (value) => Array.isArray(value) && value.length === 2 && value.every((part2) => isUint(part2)),
  isText,
  (value) => isUint(value),
  isText,
  (value) => Array.isArray(value) && value.length === 3 && isBytes(value[0], 16) && isUint(value[1]) && isUint(value[2]),
  (value) => isUint(value),
  (value) => value instanceof Uint8Array,
  (value) => isUint(value, 4),
  (value) => isUint(value, 1),
  (value) => isUint(value),
  (value) => isUint(value)
];
function byteLength(text3) {
  let bytes = text3.length;
  for (let i = 0; i < text3.length; i += 1) {
    const unit = text3.charCodeAt(i);
    if (unit > 127) bytes += unit > 2047 && (unit < 55296 || unit > 57343) ? 2 : 1;
  }
  return bytes;
}
function readMeta(item2, bytes) {
  if (item2 === null) return NO_META;
  if (!(item2 instanceof Map)) throw new Violation("L3.env.1", "meta is a map or null");
  if (item2.size === 0) throw new Violation("L3.meta.2", "an empty meta map must be null");
  if (item2.size > ENTRIES_MAX) throw new Violation("L3.meta.3", "meta has more than 64 entries");
  if (bytes > BYTES_MAX) throw new Violation("L3.meta.4", "meta has more than 8 KiB");
  const meta = /* @__PURE__ */ new Map();
  for (const [key2, value] of item2) {
    const taken = readKey(key2);
    if (taken === void 0) continue;
    checkValue(taken, value);
    meta.set(taken, value);
  }
  return meta;
}
function readKey(key2) {
  if (typeof key2 === "string") return key2;
  if (typeof key2 !== "number" && typeof key2 !== "bigint" || key2 < 0) {
    throw new Violation("L3.meta.1", "a meta key must be an unsigned integer or text");
  }
  if (key2 < VALUES.length) return Number(key2);
  if (key2 < 32 || key2 > 63) throw new Violation("L3.meta.5", "a meta key below 32 or above 63 is not in the registry");
  return void 0;
}
function checkValue(key2, value) {
  if (typeof key2 === "string") {
    if (typeof value !== "string") throw new Violation("L3.meta.9", "the value of a user's meta key must be text");
    return;
  }
  if ((key2 === META.end || key2 === META.retain) && value === false) {
    throw new Violation("L3.meta.8", "a meta value of false must be left out");
  }
  if (VALUES[key2]?.(value) !== true) throw new Violation("L3.meta.7", "a meta value has the wrong type or range");
}
function metaNumber(meta, key2) {
  const value = meta.get(key2);
  return value === void 0 ? void 0 : Math.min(Number(value), Number.MAX_SAFE_INTEGER);
}
function metaText(meta, key2) {
  const value = meta.get(key2);
  return typeof value === "string" ? value : void 0;
}
function sortMeta(meta) {
  const bytes = new TextEncoder();
  const entries = [...meta].sort(([a], [b]) => {
    if (typeof a === "number") return typeof b === "number" ? a - b : -1;
    if (typeof b === "number") return 1;
    const left = bytes.encode(a);
    const right = bytes.encode(b);
    if (left.length !== right.length) return left.length - right.length;
    for (let i = 0; i < left.length; i += 1) if (left[i] !== right[i]) return left[i] - right[i];
    return 0;
  });
  return new Map(entries);
}
function reservedKey(meta, mayHaveKey = false) {
  if (meta.has(META.idempotencyKey) && !mayHaveKey) return META.idempotencyKey;
  for (const key2 of [META.to, META.position, META.durable, META.producer, META.sealed]) if (meta.has(key2)) return key2;
  if ((metaNumber(meta, META.qos) ?? 0) > 0) return META.qos;
  if (metaNumber(meta, META.encoding) === 1) return META.encoding;
  if (metaNumber(meta, META.overflow) === 4) return META.overflow;
  return -1;
}
var NO_USER_META = /* @__PURE__ */ new Map();
function userMeta(meta) {
  let own2;
  for (const [key2, value] of meta) if (typeof key2 === "string" && typeof value === "string") own2 = (own2 ?? /* @__PURE__ */ new Map()).set(key2, value);
  return own2 ?? NO_USER_META;
}
function userBytes(meta) {
  let bytes = 0;
  for (const [key2, value] of meta) bytes += textBytes(key2) + textBytes(value);
  return bytes;
}
function textBytes(text3) {
  const length = byteLength(text3);
  return length + (length < 24 ? 1 : length < 256 ? 2 : 3);
}

// src/target.ts
var SEGMENTS_MAX = 16;
function isWellFormed2(target, isPattern) {
  const segments = target.split(".");
  if (segments.length > SEGMENTS_MAX) return false;
  return segments.every((segment, index) => {
    if (segment === "*") return isPattern;
    if (segment === ">") return isPattern && index === segments.length - 1;
    return isSegment(segment);
  });
}
function isSegment(segment) {
  if (segment === "") return false;
  for (let i = 0; i < segment.length; i += 1) {
    const unit = segment.charCodeAt(i);
    if (unit <= 32 || unit === 127 || unit === 42 || unit === 62) return false;
  }
  return true;
}
function checkTarget(target, isPattern = false) {
  if (!isWellFormed2(target, isPattern) || byteLength(target) > TEXT_BYTES_MAX) {
    const what = isPattern ? "topic pattern" : "target";
    throw new FluxarError("invalid_argument", `[L3.target.2] \`${target}\` is no ${what}: use segments joined by dots`);
  }
}
function hasWildcard(pattern) {
  return pattern.split(".").some((segment) => segment === "*" || segment === ">");
}
function matches(pattern, topic) {
  const want = pattern.split(".");
  const have = topic.split(".");
  for (let i = 0; i < want.length; i += 1) {
    if (want[i] === ">") return have.length > i;
    if (have[i] === void 0 || want[i] !== "*" && want[i] !== have[i]) return false;
  }
  return want.length === have.length;
}

// src/window.ts
function cost(payload, metaBytes = 0) {
  return payload.length + metaBytes + ITEM_COST;
}
function addCredit(credit, grant) {
  if (credit + grant > CREDIT_MAX) throw new Violation("L5.credit.3", "credit adds up to more than 2^31");
  return credit + grant;
}
var Window = class {
  size;
  left;
  taken = 0;
  constructor(size) {
    this.size = size;
    this.left = size;
  }
  /** The peer sent something of this cost. */
  arrived(cost2) {
    if (this.left <= 0) throw new Violation("L5.credit.1", "an item or event came without credit", "resource_exhausted");
    this.left -= cost2;
  }
  /** The application took something of this cost; what is to be granted, or 0. */
  consumed(cost2) {
    this.taken += cost2;
    if (2 * this.taken < this.size || this.taken === 0) return 0;
    const grant = this.taken;
    this.left += grant;
    this.taken = 0;
    return grant;
  }
};

// src/feed.ts
var ENTRY_BYTES = 64;
var OVERFLOW = { drop_oldest: 0, drop_newest: 1, latest: 2, disconnect: 3 };
function publication(topic, payload, meta) {
  const metaBytes = userBytes(meta);
  const bytes = payload.length + topic.length + metaBytes + ENTRY_BYTES * (1 + meta.size);
  return { topic, payload, meta, bytes, cost: cost(payload, metaBytes) };
}
var Feed = class {
  id;
  pattern;
  group;
  isExact;
  /** When its group last chose it. */
  chosen = 0;
  isOver = false;
  outlet;
  overflow;
  credit;
  queue = [];
  queueBytes = 0;
  dropped = 0;
  constructor(outlet, options) {
    this.outlet = outlet;
    this.id = options.id;
    this.pattern = options.pattern;
    this.group = options.group;
    this.overflow = options.overflow;
    this.credit = options.credit;
    this.isExact = !hasWildcard(options.pattern);
  }
  /** Whether an event waits that its credit allows. */
  get canSend() {
    return this.queue.length > 0 && this.credit > 0;
  }
  /** Sends an event, lets it wait, or drops it [L5.overflow.1]. */
  deliver(event, isRetained) {
    if (this.isOver) return;
    if (this.credit > 0 && this.queue.length === 0 && this.outlet.hasRoom) return this.send(event, isRetained);
    if (this.overflow === OVERFLOW.latest) while (this.queue.length > 0) this.dropOldest();
    if (this.overflow === OVERFLOW.drop_oldest) while (this.queue.length > 0 && !this.fits(event)) this.dropOldest();
    if (this.fits(event)) {
      this.queue.push({ event, isRetained });
      this.hold(event.bytes);
      if (this.credit > 0) this.outlet.waits(this);
    } else if (this.overflow === OVERFLOW.disconnect) {
      const text3 = "the subscriber is too slow for its overflow policy `disconnect`";
      this.outlet.end(this, new FluxarError("resource_exhausted", text3));
    } else this.dropped += 1;
  }
  /** The subscriber takes more [L5.credit.3]. */
  granted(credit) {
    this.credit = addCredit(this.credit, credit);
    if (this.canSend) this.outlet.waits(this);
  }
  /** Sends the event that has waited longest. */
  sendNext() {
    const next = this.queue.shift();
    if (next === void 0) return;
    this.hold(-next.event.bytes);
    this.send(next.event, next.isRetained);
  }
  /** Nothing is delivered any more. */
  close() {
    this.isOver = true;
    this.hold(-this.queueBytes);
    this.queue = [];
  }
  fits(event) {
    const { queuedBytes, queueBytesMax, queuedBytesMax } = this.outlet;
    return this.queueBytes + event.bytes <= queueBytesMax && queuedBytes + event.bytes <= queuedBytesMax;
  }
  hold(bytes) {
    this.queueBytes += bytes;
    this.outlet.queuedBytes += bytes;
  }
  dropOldest() {
    this.hold(-this.queue.shift().event.bytes);
    this.dropped += 1;
  }
  send(event, isRetained) {
    if (!this.outlet.send(this, event, isRetained, this.dropped)) {
      this.dropped += 1;
      return;
    }
    this.credit -= event.cost;
    this.dropped = 0;
  }
};

// src/request.ts
var TIMER_MAX_MS = 2 ** 31 - 1;
var USER_ENTRIES_MAX = 32;
var USER_BYTES_MAX = 4096;
function clampTimeout(ms) {
  return Math.min(Math.max(0, ms), TIMER_MAX_MS);
}
function deadlineOf(options, origin) {
  const own2 = options.timeoutMs === void 0 ? void 0 : Date.now() + options.timeoutMs;
  if (own2 === void 0 || origin.deadline === void 0) return own2 ?? origin.deadline;
  return Math.min(own2, origin.deadline);
}
function requestMeta(options, origin, deadline) {
  options.signal?.throwIfAborted();
  origin.signal?.throwIfAborted();
  const meta = /* @__PURE__ */ new Map();
  if (deadline !== void 0) {
    const left = Math.floor(deadline - Date.now());
    if (!(left > 0)) throw new FluxarError("deadline_exceeded", "[L5.deadline.1] no time was left to send the request");
    meta.set(META.deadline, left);
  }
  if (origin.hops !== void 0) meta.set(META.hops, origin.hops + 1);
  addUserMeta(meta, options.meta);
  return meta;
}
function addUserMeta(meta, entries) {
  if (entries === void 0) return;
  let bytes = 0;
  let count = 0;
  for (const [key2, value] of Object.entries(entries)) {
    bytes += byteLength(key2) + byteLength(value);
    count += 1;
    meta.set(key2, value);
  }
  if (count > USER_ENTRIES_MAX || bytes > USER_BYTES_MAX) {
    const text3 = `meta has at most ${USER_ENTRIES_MAX} entries and ${USER_BYTES_MAX} bytes`;
    throw new FluxarError("invalid_argument", text3);
  }
}

// src/iterate.ts
async function* iterate(next, leave) {
  try {
    for (; ; ) {
      const one = await next();
      if (one === void 0) return;
      yield one;
    }
  } finally {
    leave();
  }
}

// src/subscription.ts
var Subscription = class {
  pattern;
  options;
  /** Resolved when the peer has granted it for the first time; rejected when it does not. */
  granted;
  home;
  queue = [];
  wakers = [];
  endSession;
  isOver = false;
  error;
  grant = () => {
  };
  refuse = () => {
  };
  onAbort = () => this.finish(this.options.signal?.reason);
  constructor(home, pattern, options) {
    this.home = home;
    this.pattern = pattern;
    this.options = options;
    this.granted = new Promise((resolve, reject) => {
      this.grant = resolve;
      this.refuse = reject;
    });
    this.granted.catch(() => {
    });
    options.signal?.throwIfAborted();
    options.signal?.addEventListener("abort", this.onAbort, { once: true });
    this.renew();
  }
  /** Asks at the session that there is now. */
  renew() {
    if (this.isOver) return;
    try {
      this.endSession = this.home.ask(this);
    } catch (error) {
      this.finish(error);
    }
  }
  onGranted() {
    this.grant();
  }
  onEvent(event, take) {
    if (this.isOver) return take();
    this.queue.push({ event, take });
    this.wake();
  }
  onOver(error) {
    this.endSession = void 0;
    this.finish(error);
  }
  onLost(error) {
    this.endSession = void 0;
    if (!this.home.isLasting) this.finish(error);
  }
  /** Ends it. Nothing is delivered after this. */
  unsubscribe() {
    if (this.isOver) return;
    const queued = this.queue.splice(0);
    this.finish(void 0);
    queued.forEach(({ take }) => take());
  }
  finish(error) {
    if (this.isOver) return;
    this.isOver = true;
    this.error = error;
    if (this.options.signal?.aborted) this.queue.length = 0;
    this.options.signal?.removeEventListener("abort", this.onAbort);
    this.endSession?.();
    this.home.forget(this);
    this.refuse(error ?? new FluxarError("cancelled", "unsubscribed before the grant"));
    this.wake();
  }
  /** The next event, or undefined after the last. */
  async next() {
    for (; ; ) {
      const queued = this.queue.shift();
      if (queued !== void 0) {
        queued.take();
        return queued.event;
      }
      if (this.isOver) {
        if (this.error !== void 0) throw this.error;
        return void 0;
      }
      await new Promise((resolve) => this.wakers.push(resolve));
    }
  }
  [Symbol.asyncIterator]() {
    return iterate(() => this.next(), () => this.unsubscribe());
  }
  [Symbol.asyncDispose]() {
    this.unsubscribe();
    return Promise.resolve();
  }
  wake() {
    const wakers = this.wakers;
    this.wakers = [];
    for (const wake of wakers) wake();
  }
};

// src/broker.ts
var Broker = class {
  limits;
  exact = /* @__PURE__ */ new Map();
  wild = /* @__PURE__ */ new Set();
  retained = /* @__PURE__ */ new Map();
  outlet;
  retainedBytes = 0;
  choices = 0;
  isClosed = false;
  hasToldFull = false;
  constructor(limits = {}) {
    this.limits = { retainedMax: 1e4, retainedBytesMax: 64 << 20, ...limits };
    this.outlet = new LocalOutlet((feed2) => this.remove(feed2));
  }
  // ---- this program
  publishBytes(topic, payload, options = {}) {
    checkTarget(topic);
    const meta = /* @__PURE__ */ new Map();
    addUserMeta(meta, options.meta);
    if (this.publish(publication(topic, payload.slice(), meta), options.retain === true)) return;
    throw new FluxarError("resource_exhausted", "the value was delivered and not kept: too many topics or bytes are retained");
  }
  subscribeBytes(pattern, options = {}) {
    checkTarget(pattern, true);
    if (this.isClosed) throw new FluxarError("unavailable", "the peer whose topics these are is closed");
    return new Subscription(this.home(), pattern, options);
  }
  /** Ends the subscriptions of this program. */
  close() {
    this.isClosed = true;
    for (const feed2 of [...this.outlet.subscribers.keys()]) this.outlet.end(feed2, void 0);
  }
  home() {
    return {
      ask: (subscription) => {
        const { group, overflow, credit } = subscription.options;
        const policy = OVERFLOW[overflow ?? "drop_oldest"];
        const window = credit ?? DEFAULT_LIMITS.initialCredit;
        const feed2 = new Feed(this.outlet, { id: 0, pattern: subscription.pattern, group, overflow: policy, credit: window });
        this.outlet.subscribers.set(feed2, subscription);
        subscription.onGranted();
        this.add(feed2);
        return () => this.outlet.forget(feed2);
      },
      forget: () => {
      },
      isLasting: false
    };
  }
  // ---- sessions
  /** A granted subscription: the kept values come first [L5.retain.2]. */
  add(feed2) {
    if (feed2.group === void 0) {
      for (const value of this.retained.values()) if (matches(feed2.pattern, value.topic)) feed2.deliver(value, true);
    }
    if (feed2.isOver) return;
    if (!feed2.isExact) this.wild.add(feed2);
    else {
      const feeds = this.exact.get(feed2.pattern);
      if (feeds === void 0) this.exact.set(feed2.pattern, /* @__PURE__ */ new Set([feed2]));
      else feeds.add(feed2);
    }
  }
  /** It gets nothing more. */
  remove(feed2) {
    feed2.close();
    this.wild.delete(feed2);
    const feeds = this.exact.get(feed2.pattern);
    if (feeds?.delete(feed2) && feeds.size === 0) this.exact.delete(feed2.pattern);
  }
  /** Delivers to every subscription that matches, and to one of each group [L5.topic.2]. False when it was to be kept, and is not. */
  publish(event, retain) {
    const isKept = !retain || this.keep(event);
    const hit = [];
    const groups = /* @__PURE__ */ new Map();
    const take = (feed2) => {
      if (feed2.group === void 0) return void hit.push(feed2);
      const rival = groups.get(feed2.group);
      if (rival === void 0 || feed2.chosen < rival.chosen) groups.set(feed2.group, feed2);
    };
    this.exact.get(event.topic)?.forEach(take);
    for (const feed2 of this.wild) if (matches(feed2.pattern, event.topic)) take(feed2);
    for (const feed2 of groups.values()) {
      feed2.chosen = this.choices += 1;
      hit.push(feed2);
    }
    for (const feed2 of hit) feed2.deliver(event, false);
    return isKept;
  }
  /** Keeps a value in place of the one before; an empty one removes it [L5.retain.1]. */
  keep(event) {
    const before = this.retained.get(event.topic);
    const bytes = this.retainedBytes - (before?.bytes ?? 0);
    if (event.payload.length === 0) {
      this.retained.delete(event.topic);
      this.retainedBytes = bytes;
      return true;
    }
    const isFull = before === void 0 && this.retained.size >= this.limits.retainedMax;
    if (isFull || bytes + event.bytes > this.limits.retainedBytesMax) {
      if (!this.hasToldFull) console.warn(`fluxar: no more values are kept, not that of ${event.topic} either`);
      this.hasToldFull = true;
      return false;
    }
    this.hasToldFull = false;
    this.retained.set(event.topic, event);
    this.retainedBytes = bytes + event.bytes;
    return true;
  }
};
var LocalOutlet = class {
  hasRoom = true;
  queueBytesMax = DEFAULT_LIMITS.subscriptionBytesMax;
  queuedBytesMax = DEFAULT_LIMITS.sessionQueueBytesMax;
  subscribers = /* @__PURE__ */ new Map();
  queuedBytes = 0;
  remove;
  constructor(remove) {
    this.remove = remove;
  }
  send(feed2, event, isRetained, dropped) {
    const { topic, payload, meta } = event;
    this.subscribers.get(feed2)?.onEvent({ topic, payload, isRetained, dropped, meta }, () => {
      if (!feed2.isOver) feed2.granted(event.cost);
    });
    return true;
  }
  waits(feed2) {
    while (feed2.canSend) feed2.sendNext();
  }
  end(feed2, error) {
    const subscriber = this.subscribers.get(feed2);
    this.forget(feed2);
    subscriber?.onOver(error);
  }
  forget(feed2) {
    this.subscribers.delete(feed2);
    this.remove(feed2);
  }
};

// src/cbor.ts
var DEPTH_MAX2 = 16;
function check(bytes) {
  const checker = new Checker(bytes);
  checker.item(1);
  if (checker.at !== bytes.length) throw new Violation("L3.cbor.8", "bytes follow the envelope");
}
var Checker = class {
  at = 0;
  bytes;
  constructor(bytes) {
    this.bytes = bytes;
  }
  item(depth) {
    const first2 = this.take(1);
    const major = first2 >> 5;
    const info = first2 & 31;
    if (major === 7) return this.simple(info);
    const length = this.argument(info);
    switch (major) {
      case 0:
      case 1:
        return;
      case 2:
        return this.skip(length);
      case 3:
        return this.text(length);
      case 4:
        if (length > 0) this.container(length, depth, false);
        return;
      case 5:
        if (length > 0) this.container(length, depth, true);
        return;
      default:
        throw new Violation("L3.cbor.4", "tags are not allowed in the envelope");
    }
  }
  container(length, depth, isMap) {
    if (depth > DEPTH_MAX2) throw new Violation("L3.cbor.10", "items are nested deeper than 16");
    let last;
    for (let i = 0; i < length; i += 1) {
      if (isMap) {
        const start = this.at;
        this.item(depth + 1);
        const key2 = this.bytes.subarray(start, this.at);
        if (last !== void 0 && compareBytes(last, key2) >= 0) {
          throw new Violation("L3.cbor.7", "map keys must be unique and in canonical order");
        }
        last = key2;
      }
      this.item(depth + 1);
    }
  }
  text(length) {
    const start = this.at;
    this.skip(length);
    if (decodeText(this.bytes, start, this.at) === void 0) {
      throw new Violation("L3.cbor.6", "text is not UTF-8");
    }
  }
  simple(info) {
    if (info >= 20 && info <= 22) return;
    if (info === 31) throw new Violation("L3.cbor.3", "indefinite lengths are not deterministic CBOR");
    if (info > 27) throw new Violation("L3.cbor.2", "additional information 28 to 30 is reserved");
    throw new Violation("L3.cbor.5", "of the simple values only false, true and null are allowed, and no floats");
  }
  argument(info) {
    if (info < 24) return info;
    if (info === 31) throw new Violation("L3.cbor.3", "indefinite lengths are not deterministic CBOR");
    if (info > 27) throw new Violation("L3.cbor.2", "additional information 28 to 30 is reserved");
    const size = 1 << info - 24;
    let value = 0;
    for (let i = 0; i < size; i += 1) value = value * 256 + this.take(1);
    const least = size === 1 ? 24 : 2 ** (4 * size);
    if (value < least) throw new Violation("L3.cbor.2", "a number or length is not in its shortest form");
    return value;
  }
  take(size) {
    const byte = this.bytes[this.at];
    if (byte === void 0) throw new Violation("L3.cbor.9", "the message ends in the middle of an item");
    this.at += size;
    return byte;
  }
  skip(length) {
    if (length > this.bytes.length - this.at) {
      throw new Violation("L3.cbor.9", "the message ends in the middle of an item");
    }
    this.at += length;
  }
};
var Checked = class {
  at = 0;
  bytes;
  constructor(bytes) {
    this.bytes = bytes;
  }
  /** A number of up to 64 bits behind the first byte: a bigint where a number is not exact. */
  argument(info) {
    if (info < 24) return info;
    const size = 1 << info - 24;
    let high = 0;
    let low = 0;
    for (let i = 0; i < size; i += 1) {
      if (i < size - 4) high = high * 256 + this.bytes[this.at];
      else low = low * 256 + this.bytes[this.at];
      this.at += 1;
    }
    if (high < 2097152) return high * TWO_32 + low;
    return BigInt(high) << 32n | BigInt(low);
  }
  item() {
    const first2 = this.bytes[this.at++];
    const major = first2 >> 5;
    if (major === 7) return first2 === 246 ? null : first2 === 245;
    const argument = this.argument(first2 & 31);
    if (major === 0) return argument;
    if (major === 1) return typeof argument === "number" && argument < 2 ** 53 - 1 ? -1 - argument : -1n - BigInt(argument);
    const length = Number(argument);
    const start = this.at;
    if (major === 2) {
      this.at += length;
      return this.bytes.subarray(start, this.at);
    }
    if (major === 3) {
      this.at += length;
      return decodeText(this.bytes, start, this.at) ?? "";
    }
    if (major === 4) return Array.from({ length }, () => this.item());
    const map = /* @__PURE__ */ new Map();
    for (let i = 0; i < length; i += 1) {
      const key2 = this.item();
      map.set(key2, this.item());
    }
    return map;
  }
};
function writeItem(writer2, item2) {
  if (item2 === null) writer2.null();
  else if (typeof item2 === "boolean") writer2.bool(item2);
  else if (typeof item2 === "number") writer2.int(item2);
  else if (typeof item2 === "bigint") writer2.big(item2);
  else if (typeof item2 === "string") writer2.text(item2);
  else if (item2 instanceof Uint8Array) writer2.blob(item2);
  else if (item2 instanceof Map) {
    writer2.head(160, item2.size);
    for (const [key2, value] of item2) {
      writeItem(writer2, key2);
      writeItem(writer2, value);
    }
  } else {
    const list = item2;
    writer2.head(128, list.length);
    for (const value of list) writeItem(writer2, value);
  }
}
function numbered(entries) {
  const map = /* @__PURE__ */ new Map();
  for (const [key2, value] of entries) if (value !== void 0) map.set(key2, value);
  return map;
}

// src/envelope.ts
var KIND = { hello: 1, call: 2, stream: 3, subscribe: 4, event: 5, ack: 6, cancel: 7 };
var writer = new Writer();
function encodeEnvelope(message) {
  writer.at = 0;
  writer.byte(135);
  writer.byte(message.kind);
  writeId(message.id);
  writeId(message.ref);
  if (message.target === void 0) writer.null();
  else writer.text(message.target);
  const meta = message.meta;
  if (meta === void 0 || meta.size === 0) writer.null();
  else writeItem(writer, sortMeta(meta));
  if (message.payload === void 0) writer.null();
  else writer.blob(message.payload);
  if (message.error === void 0) writer.null();
  else writeError(message.error);
  return writer.take();
}
function writeId(id) {
  if (id === void 0) writer.null();
  else if (typeof id === "number") writer.int(id);
  else writer.big(id);
}
function writeError(error) {
  const typed2 = error.typeName !== void 0 && byteLength(error.typeName) <= TEXT_BYTES_MAX;
  const map = numbered([
    [0, codeNumber(error.code)],
    [1, cutMessage(error.message)],
    [2, typed2 ? error.typeName : void 0],
    [3, typed2 ? error.details : void 0],
    [4, error.retryAfterMs === void 0 ? void 0 : Math.max(0, Math.floor(error.retryAfterMs))]
  ]);
  writeItem(writer, map);
}
function decodeEnvelope(bytes) {
  check(bytes);
  const reader = new Checked(bytes);
  const first2 = bytes[reader.at++];
  if (first2 >> 5 !== 4) throw new Violation("L3.env.1", "the envelope is an array");
  if (first2 !== 135) throw new Violation("L3.cbor.1", "the envelope is an array of seven");
  const kind = readKind(reader.item());
  const id = readId(reader.item());
  const ref = readId(reader.item());
  const target = readTarget(reader.item());
  const start = reader.at;
  const metaItem = reader.item();
  const metaBytes = reader.at - start;
  const payload = reader.item();
  if (payload !== null && !(payload instanceof Uint8Array)) throw new Violation("L3.env.1", "the payload is a bstr");
  const error = readError(reader.item());
  return { kind, id, ref, target, meta: readMeta(metaItem, metaBytes), payload, error };
}
function readKind(item2) {
  if (typeof item2 !== "number" && typeof item2 !== "bigint") throw new Violation("L3.env.1", "the kind is a uint");
  if (item2 < 0) throw new Violation("L3.env.1", "the kind is a uint");
  if (item2 < 1 || item2 > 7) throw new Violation("L3.kind.1", "the kind must be 1 to 7");
  return Number(item2);
}
function readId(item2) {
  if (item2 === null) return null;
  if (item2 instanceof Uint8Array) {
    if (item2.length !== 16) throw new Violation("L3.id.1", "an id is a uint or a bstr of 16");
    let value = 0n;
    for (const byte of item2) value = value << 8n | BigInt(byte);
    if (value < TWO_64) throw new Violation("L3.id.1", "an id below 2^64 must be an unsigned integer");
    return value;
  }
  if (typeof item2 !== "number" && typeof item2 !== "bigint" || item2 < 0) {
    throw new Violation("L3.env.1", "an id is a uint or a bstr of 16");
  }
  if (item2 === 0) throw new Violation("L3.id.2", "id 0 names nothing");
  return item2;
}
function readTarget(item2) {
  if (item2 === null) return null;
  if (typeof item2 !== "string") throw new Violation("L3.env.1", "the target is text");
  const length = byteLength(item2);
  if (length < 1 || length > TEXT_BYTES_MAX) throw new Violation("L3.target.1", "a target is 1 to 512 bytes");
  return item2;
}
function readError(item2) {
  if (item2 === null) return null;
  if (!(item2 instanceof Map)) throw new Violation("L3.env.1", "an error is a map");
  const map = item2;
  for (const key2 of map.keys()) checkErrorKey(key2);
  const code = map.get(0);
  if (code === void 0) throw new Violation("L3.error.1", "an error needs a code");
  if (!isUint2(code)) throw new Violation("L3.env.1", "an error's code is a uint");
  if (code < 1 || code > 255) throw new Violation("L3.error.1", "an error's code is 1 to 255");
  const message = typed(map.get(1), "string");
  const typeName = typed(map.get(2), "string");
  const details = map.get(3);
  if (details !== void 0 && !(details instanceof Uint8Array)) throw new Violation("L3.env.1", "details are a bstr");
  const retry = map.get(4);
  if (retry !== void 0 && !isUint2(retry)) throw new Violation("L3.env.1", "retry_after_ms is a uint");
  if (details !== void 0 && typeName === void 0) {
    throw new Violation("L3.error.4", "details of an error need a type name");
  }
  if (byteLength(message ?? "") > 4096 || byteLength(typeName ?? "") > TEXT_BYTES_MAX) {
    throw new Violation("L3.error.5", "the message of an error is at most 4 KiB, its type name 512 bytes");
  }
  return new FluxarError(codeName(Number(code)), message ?? "", {
    origin: "peer",
    ...typeName === void 0 ? {} : { typeName },
    ...details === void 0 ? {} : { details },
    ...retry === void 0 ? {} : { retryAfterMs: Number(retry) }
  });
}
function checkErrorKey(key2) {
  if (!isUint2(key2)) throw new Violation("L3.env.1", "the key of an error is a uint");
  if (key2 > 4 && key2 < 32 || key2 > 63) throw new Violation("L3.error.3", "an error has an unknown key");
}
function isUint2(item2) {
  return (typeof item2 === "number" || typeof item2 === "bigint") && item2 >= 0;
}
function typed(item2, type) {
  if (item2 === void 0) return void 0;
  if (typeof item2 !== type) throw new Violation("L3.env.1", "an error's message and type name are text");
  return item2;
}
function isVolatile(message) {
  if (message.kind === KIND.hello) return true;
  if (message.kind === KIND.ack) return message.ref === void 0 || message.ref === null;
  return message.kind === KIND.event && (metaNumber(message.meta ?? NO_META, META.qos) ?? 0) === 0;
}

// src/channel.ts
var END = /* @__PURE__ */ new Map([[META.end, true]]);
var Channel = class {
  id;
  isOurs;
  /** The callee's result, after its items. Rejects with its error. */
  result;
  host;
  window;
  credit;
  weEnded;
  theyEnded;
  /** We sent CANCEL, or are no longer interested: nothing is delivered any more. */
  isMuted = false;
  hasCancelled = false;
  items = [];
  readers = [];
  /** Items that wait for credit or room. */
  sending = 0;
  tail = Promise.resolve();
  wakeSender = () => {
  };
  outcome;
  settle = () => {
  };
  /** The reason of an abort from outside, which iterating reports. */
  abortReason;
  /** The open, for what becomes of a stream whose link is lost. */
  parcel;
  /** Told once when the outcome is known; for timers and signals. */
  onOutcome = () => {
  };
  constructor(host, id, isOurs, credit, window, openerEnded) {
    this.host = host;
    this.id = id;
    this.isOurs = isOurs;
    this.credit = credit;
    this.window = new Window(window);
    this.weEnded = isOurs && openerEnded;
    this.theyEnded = !isOurs && openerEnded;
    this.result = new Promise((resolve, reject) => {
      this.settle = ({ payload, error }) => error === void 0 ? resolve(payload) : reject(error);
    });
    this.result.catch(() => {
    });
  }
  // ---- from the application
  /** Whether there is nobody left to send items to. */
  get isOver() {
    return this.weEnded || this.outcome !== void 0 || this.isOurs && this.theyEnded;
  }
  /** Sends an item when there is credit and room for it; false when the other side takes no more. */
  send(payload) {
    if (this.sending === 0 && this.host.hasRoom() && this.credit > 0 && !this.isOver) {
      this.put(payload);
      return Promise.resolve(true);
    }
    return this.sendLater(payload);
  }
  sendLater(payload) {
    this.sending += 1;
    const sent = this.tail.then(() => this.sendWhenFree(payload));
    this.tail = sent.then(
      () => this.sending -= 1,
      () => this.sending -= 1
    );
    return sent;
  }
  async sendWhenFree(payload) {
    while (!this.isOver) {
      if (!this.host.hasRoom()) await this.host.room();
      else if (this.credit <= 0) await new Promise((resolve) => this.wakeSender = resolve);
      else {
        this.put(payload);
        return true;
      }
    }
    return false;
  }
  put(payload) {
    this.credit -= cost(payload);
    this.host.sendStream({ kind: KIND.stream, ref: this.id, payload });
  }
  /** Ends our direction, once [L5.stream.1]. A callee's end carries the result or the error. */
  end(outcome = {}) {
    if (this.weEnded) return;
    const { payload, error } = outcome;
    this.host.sendStream({ kind: KIND.stream, ref: this.id, meta: END, payload, error });
    this.weEnded = true;
    this.wakeSender();
    this.closeIfEnded();
  }
  /** Asks the callee to stop. Nothing is delivered after this; the result may still come [L5.cancel.1]. */
  cancel() {
    if (!this.isOurs || this.theyEnded) return this.mute();
    if (!this.hasCancelled) {
      this.hasCancelled = true;
      this.host.sendStream({ kind: KIND.cancel, ref: this.id });
    }
    this.mute();
  }
  /** Cancels because of somebody else's signal, which iterating then reports. */
  abort(reason) {
    if (this.outcome !== void 0) return;
    this.abortReason = { reason };
    this.cancel();
  }
  /** The next item, or undefined after the last. */
  async next() {
    for (; ; ) {
      const item2 = this.items.shift();
      if (item2 !== void 0) {
        this.consumed(item2);
        return item2;
      }
      if (this.abortReason !== void 0) throw this.abortReason.reason;
      if (this.isMuted) return void 0;
      if (this.outcome?.error !== void 0) throw this.outcome.error;
      if (this.theyEnded || this.outcome !== void 0) return void 0;
      await new Promise((resolve) => this.readers.push(resolve));
    }
  }
  [Symbol.asyncIterator]() {
    return iterate(() => this.next(), () => this.stop());
  }
  /** Whoever read has left: early, that is a cancel. */
  stop() {
    if (!this.theyEnded) this.cancel();
    else this.mute();
  }
  [Symbol.asyncDispose]() {
    this.stop();
    return Promise.resolve();
  }
  mute() {
    this.isMuted = true;
    for (const item2 of this.items.splice(0)) this.consumed(item2);
    this.wakeReaders();
  }
  consumed(item2) {
    const grant = this.window.consumed(cost(item2));
    if (grant > 0 && !this.theyEnded) this.host.grant(this.id, grant);
  }
  // ---- from the peer
  /** An item came. */
  arrived(payload) {
    if (this.theyEnded) throw new Violation("L5.stream.4", "an item or end came after the end of this direction");
    this.window.arrived(cost(payload));
    if (this.isMuted || this.outcome !== void 0 || !this.isOurs && this.weEnded) return this.consumed(payload);
    this.items.push(payload);
    this.wakeReaders();
  }
  /** The other side's end came. */
  ended(outcome) {
    if (this.theyEnded) throw new Violation("L5.stream.4", "an item or end came after the end of this direction");
    if (!this.isOurs && outcome.payload !== void 0) {
      throw new Violation("L5.stream.5", "only the callee's end carries a result");
    }
    this.theyEnded = true;
    if (this.isOurs) {
      this.end();
      this.conclude(outcome);
    } else if (outcome.error !== void 0) {
      this.outcome ??= outcome;
    }
    this.wakeReaders();
    this.closeIfEnded();
  }
  /** The peer grants credit. */
  granted(credit) {
    if (this.weEnded) return;
    this.credit = addCredit(this.credit, credit);
    if (this.credit > 0) this.wakeSender();
  }
  // ---- from the session
  /** The outcome is known before the other side's end: a deadline, a lost link. */
  conclude(outcome) {
    if (this.outcome !== void 0) return;
    this.outcome = outcome;
    this.settle(outcome);
    this.onOutcome();
    this.wakeReaders();
    this.wakeSender();
  }
  /** Our clock says that it is over: what the callee still sends is not delivered. */
  expire(error) {
    this.conclude({ error });
    this.items.length = 0;
    this.end();
  }
  /** What the other side sends is of no use any more; whoever reads is told why. */
  stopReading(error) {
    this.abortReason = { reason: error };
    this.mute();
  }
  /** The link is gone. */
  lost(error) {
    this.weEnded = true;
    this.theyEnded = true;
    this.conclude({ error });
  }
  closeIfEnded() {
    if (this.weEnded && this.theyEnded) this.host.closed(this);
  }
  wakeReaders() {
    const readers = this.readers;
    this.readers = [];
    for (const wake of readers) wake();
  }
};

// src/checks.ts
function broken(path, text3) {
  throw new FluxarError("invalid_argument", `${path === "" ? "the value" : path}: ${text3}`);
}
function at(path, name) {
  return path === "" ? name : `${path}.${name}`;
}
function checkRange(value, least, most, path) {
  if (least !== null && !(value >= least)) broken(path, `${value} is below ${least}`);
  if (most !== null && !(value <= most)) broken(path, `${value} is above ${most}`);
}
function checkLength(value, least, most, path) {
  const length = lengthOf(value);
  if (least !== null && length < least) broken(path, `it has ${length}, and at least ${least} are wanted`);
  if (most !== null && length > most) broken(path, `it has ${length}, and at most ${most} are wanted`);
}
function lengthOf(value) {
  if (typeof value === "string") {
    let characters = 0;
    for (const _ of value) characters += 1;
    return characters;
  }
  return value instanceof Map ? value.size : value.length;
}
var patterns = /* @__PURE__ */ new Map();
function checkPattern(value, pattern, path) {
  let regex = patterns.get(pattern);
  if (regex === void 0) {
    regex = new RegExp(`^(?:${pattern})$`, "u");
    patterns.set(pattern, regex);
  }
  if (!regex.test(value)) broken(path, `it does not match ${pattern}`);
}
function checkFormat(value, format, path) {
  if (!isOfFormat(value, format)) broken(path, `it is no ${format}`);
}
var LOCAL = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}$/;
var DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
var HOST = /^(?=.{1,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;
var OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
var IPV4 = new RegExp(`^${OCTET}(\\.${OCTET}){3}$`);
function isIpv6(value) {
  const halves = value.split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => half === "" ? [] : half.split(":"));
  const last = groups.at(-1);
  const isMixed = last !== void 0 && IPV4.test(last) && value.endsWith(last);
  const count = groups.length + (isMixed ? 1 : 0);
  const plain = isMixed ? groups.slice(0, -1) : groups;
  return plain.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group)) && (halves.length === 2 ? count < 8 : count === 8);
}
function isEmail(value) {
  const at2 = value.indexOf("@");
  return at2 > 0 && LOCAL.test(value.slice(0, at2)) && HOST.test(value.slice(at2 + 1));
}
function isDate(value) {
  const parts = DATE.exec(value);
  if (parts === null) return false;
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
  return day >= 1 && day <= days;
}
function isOfFormat(value, format) {
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
function checkEach(list, check2, path) {
  for (let i = 0; i < list.length; i += 1) check2(list[i], `${path}[${i}]`);
}
function checkValues(map, check2, path) {
  for (const [key2, value] of map) check2(value, `${path}[${JSON.stringify(String(key2))}]`);
}

// src/names.ts
var SHORT_BYTES2 = 23;
var Names = class {
  byText;
  /** By their length in bytes. */
  short;
  constructor(entries) {
    this.byText = new Map(entries);
    const short = Array.from({ length: SHORT_BYTES2 + 1 }, () => []);
    for (const [text3, value] of this.byText) {
      const bytes = encodeText(text3);
      short[bytes.length]?.push({ bytes, value });
    }
    this.short = short;
  }
  /** What the name in `bytes[at..at + length]` stands for, if it is known and short. */
  find(bytes, at2, length) {
    const candidates = this.short[length];
    for (let i = 0; i < candidates.length; i += 1) {
      const known2 = candidates[i];
      const name = known2.bytes;
      let same2 = 0;
      while (same2 < length && name[same2] === bytes[at2 + same2]) same2 += 1;
      if (same2 === length) return known2.value;
    }
    return void 0;
  }
  /** What a name stands for. */
  get(text3) {
    return this.byText.get(text3);
  }
  /** The name of a value. */
  nameOf(value) {
    for (const [text3, found] of this.byText) if (found === value) return text3;
    return "";
  }
};

// src/codec.ts
var EMPTY_MAP = Uint8Array.of(160);
var NULL = Uint8Array.of(246);
var spare = new Writer();
function encode(codec, value, numbers) {
  spare.at = 0;
  spare.numbers = numbers;
  codec.write(spare, value);
  return spare.take();
}
function decode(codec, payload) {
  const reader = new Reader(payload.length === 0 ? NULL : payload);
  const value = codec.read(reader);
  reader.end();
  return value;
}
function decodeInput(codec, payload) {
  try {
    const value = decode(codec, payload === void 0 || payload.length === 0 ? EMPTY_MAP : payload);
    codec.check?.(value, "");
    return value;
  } catch (thrown) {
    throw thrown instanceof DecodeError ? thrown.asError("invalid_argument", "[L5.call.4] ") : thrown;
  }
}
function decodeOutput(codec, payload) {
  try {
    return decode(codec, payload);
  } catch (thrown) {
    throw thrown instanceof DecodeError ? thrown.asError("internal", "the callee's answer does not decode: ") : thrown;
  }
}
var anyCodec = { write: (writer2, value) => writeAny(writer2, value), read: readAny };
var unitCodec = { write: (writer2) => writer2.null(), read: (reader) => reader.skip() };
function key(number, name) {
  const writer2 = new Writer();
  writer2.int(number);
  const bytes = writer2.take();
  writer2.text(name);
  return { number: bytes, name: writer2.take() };
}
function writeKey(writer2, { number, name }) {
  const bytes = writer2.numbers ? number : name;
  const { length } = bytes;
  writer2.room(length);
  for (let i = 0; i < length; i += 1) writer2.bytes[writer2.at++] = bytes[i];
}
function writeMapHead(writer2, entries) {
  writer2.head(160, entries);
}
function writeList(writer2, list, write) {
  writer2.head(128, list.length);
  for (const item2 of list) write(writer2, item2);
}
function writeMap(writer2, map, writeK, writeV) {
  writer2.head(160, map.size);
  for (const [entry2, value] of map) {
    writeK(writer2, entry2);
    writeV(writer2, value);
  }
}
function readFixed(reader, length, read) {
  const list = reader.array(read);
  return list.length === length ? list : reader.fail(`${length} items are wanted, not ${list.length}`);
}
function writeFixed(writer2, length, list, write) {
  if (list.length !== length) throw new FluxarError("invalid_argument", `${length} items are wanted, not ${list.length}`);
  writeList(writer2, list, write);
}
function names(entries) {
  return new Names(entries);
}
function missing(reader, fields) {
  const absent = fields.filter(([, isThere]) => !isThere).map(([name]) => `\`${name}\``);
  return reader.fail(`missing: ${absent.join(", ")}`);
}
function enumTable(isOpen, members, old = []) {
  return {
    isOpen,
    byNumber: new Map(members.map(([number, , value]) => [number, value])),
    byName: new Names([...old, ...members.map(([, wire, value]) => [wire, value])]),
    keys: new Map(members.map(([number, wire, value]) => [value, key(number, wire)]))
  };
}
function readEnum(reader, table) {
  const value = reader.isText() ? reader.name(table.byName) : table.byNumber.get(reader.number());
  if (value !== void 0) return value;
  const key2 = reader.unknownKey;
  return table.isOpen ? { kind: "$unknown", key: key2 } : reader.fail(`${JSON.stringify(key2)} is no value of a closed enum`);
}
function writeEnum(writer2, table, value) {
  const found = typeof value === "string" ? table.keys.get(value) : void 0;
  if (found !== void 0) writeKey(writer2, found);
  else if (typeof value === "object" && value.kind === "$unknown") writeUnknownKey(writer2, value.key);
  else throw new FluxarError("invalid_argument", `${JSON.stringify(value)} is no value of the enum`);
}
function writeUnknownKey(writer2, unknown) {
  if (typeof unknown === "string") writer2.text(unknown);
  else writer2.int(unknown);
}
function writeUnknown(writer2, value, isOpen) {
  const unknown = value;
  if (!isOpen || unknown?.kind !== "$unknown") {
    throw new FluxarError("invalid_argument", `${JSON.stringify(unknown?.kind)} is no variant of the union`);
  }
  if (unknown.content === void 0) return writeUnknownKey(writer2, unknown.key);
  writer2.head(160, 1);
  writeUnknownKey(writer2, unknown.key);
  writer2.raw(unknown.content);
}
function readUnknown(reader, isOpen) {
  const { unknownKey, hasContent, isOpenEnded } = reader;
  if (!isOpen) reader.fail(`${JSON.stringify(unknownKey)} is no variant of a closed union`);
  if (!hasContent) return { kind: "$unknown", key: unknownKey };
  const content = reader.raw();
  reader.endVariant(isOpenEnded);
  return { kind: "$unknown", key: unknownKey, content };
}
function own(value, name) {
  return Object.hasOwn(value, name) ? value[name] : void 0;
}
function define(object, name, value) {
  Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}
function building(start) {
  return start;
}
function present(value, name) {
  if (value === void 0) throw new FluxarError("invalid_argument", `${name}: the field is missing`);
  return value;
}
function nameOf(table, number) {
  return table.nameOf(number);
}
function same(a, b) {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item2, index) => same(item2, b[index]));
  if (a instanceof Map && b instanceof Map) return same([...a], [...b]);
  if (Array.isArray(a) !== Array.isArray(b) || a instanceof Map !== b instanceof Map) return false;
  const [left, right] = [Object.entries(a), Object.entries(b)];
  if (left.length !== right.length) return false;
  return left.every(([name, value]) => Object.hasOwn(b, name) && same(value, b[name]));
}

// src/scalar.ts
var Timestamp = {
  now: () => Date.now() * 1e3,
  fromDate: (date) => date.getTime() * 1e3,
  fromMicros: (micros) => micros,
  toDate: (timestamp) => new Date(Math.floor(timestamp / 1e3))
};
var HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
var UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
var NIBBLE = Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));
function readUuid(reader) {
  const b = reader.bytes;
  const at2 = reader.at;
  if (b[at2] === 80 && at2 + 17 <= b.length) {
    reader.at = at2 + 17;
    return uuidText(b, at2 + 1);
  }
  const tag = reader.tag();
  if (tag !== void 0 && tag !== 37) reader.fail("a uuid is wanted");
  if (reader.peek() >> 5 === 3) {
    const text3 = reader.text();
    return UUID.test(text3) ? text3.toLowerCase() : reader.fail("a uuid is wanted, such as 123e4567-e89b-12d3-a456-426614174000");
  }
  const bytes = reader.blob();
  return bytes.length === 16 ? uuidText(bytes, 0) : reader.fail("a uuid has 16 bytes");
}
var DASH = 45;
function uuidText(b, at2) {
  const n = NIBBLE;
  const h = (i) => n[b[at2 + i] >> 4];
  const l = (i) => n[b[at2 + i] & 15];
  return String.fromCharCode(
    h(0),
    l(0),
    h(1),
    l(1),
    h(2),
    l(2),
    h(3),
    l(3),
    DASH,
    h(4),
    l(4),
    h(5),
    l(5),
    DASH,
    h(6),
    l(6),
    h(7),
    l(7),
    DASH,
    h(8),
    l(8),
    h(9),
    l(9),
    DASH,
    h(10),
    l(10),
    h(11),
    l(11),
    h(12),
    l(12),
    h(13),
    l(13),
    h(14),
    l(14),
    h(15),
    l(15)
  );
}
var DIGIT = Uint8Array.from({ length: 128 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(value) ? 255 : value;
});
var PLACES = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
function writeUuid(writer2, value) {
  writer2.room(17);
  const start = writer2.at;
  writer2.bytes[start] = 80;
  const isSplit = value.length === 36 && value.charCodeAt(8) === DASH && value.charCodeAt(13) === DASH && value.charCodeAt(18) === DASH && value.charCodeAt(23) === DASH;
  let bad = isSplit ? 0 : 255;
  for (let i = 0; i < 16; i += 1) {
    const place = PLACES[i];
    const high = DIGIT[value.charCodeAt(place)] ?? 255;
    const low = DIGIT[value.charCodeAt(place + 1)] ?? 255;
    bad |= (high | low) & 240;
    writer2.bytes[start + 1 + i] = high << 4 | low;
  }
  if (bad !== 0) throw new FluxarError("invalid_argument", `\`${value}\` is no uuid`);
  writer2.at = start + 17;
}
function readTimestamp(reader) {
  const tag = reader.tag();
  if (tag === void 0) return reader.int();
  if (tag === 0) return parseTime(reader);
  if (tag !== 1) reader.fail("a timestamp is wanted");
  const micros = Math.round(reader.f64() * 1e6);
  return Number.isSafeInteger(micros) ? micros : reader.fail("a timestamp is beyond what it can say");
}
var RFC_3339 = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)$/;
function parseTime(reader) {
  const parts = RFC_3339.exec(reader.text());
  const millis = parts === null ? NaN : Date.parse(`${parts[1]}T${parts[2]}${parts[4].toUpperCase()}`);
  if (Number.isNaN(millis)) reader.fail("a timestamp in text is as 2026-11-20T08:00:00Z");
  const micros = Math.floor(Number((parts[3] ?? "").padEnd(9, "0")) / 1e3);
  return millis * 1e3 + micros;
}
function writeInt(writer2, value, least = Number.MIN_SAFE_INTEGER, most = Number.MAX_SAFE_INTEGER) {
  if (!(Number.isInteger(value) && value >= least && value <= most)) {
    throw new FluxarError("invalid_argument", `${value} is no whole number within ${least} to ${most}`);
  }
  writer2.int(value + 0);
}
function writeU64(writer2, value) {
  writeBig2(writer2, value, 0n, 0xffffffffffffffffn);
}
function writeI64(writer2, value) {
  writeBig2(writer2, value, -0x8000000000000000n, 0x7fffffffffffffffn);
}
function writeBig2(writer2, value, least, most) {
  if (typeof value !== "bigint" || value < least || value > most) {
    throw new FluxarError("invalid_argument", `${String(value)} is no bigint within ${least} to ${most}`);
  }
  writer2.big(value);
}
var DECIMAL = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;
function readDecimal(reader) {
  const text3 = reader.text();
  return DECIMAL.test(text3) ? text3 : reader.fail("a decimal number is wanted, such as 12.50");
}
function writeDecimal(writer2, value) {
  if (!DECIMAL.test(value)) throw new FluxarError("invalid_argument", `\`${value}\` is no decimal number`);
  writer2.text(value);
}
function toHex(bytes) {
  let text3 = "";
  for (const byte of bytes) text3 += HEX[byte];
  return text3;
}

// src/sha256.ts
var K = primes(64).map((prime) => fraction(Math.cbrt(prime)));
var START = primes(8).map((prime) => fraction(Math.sqrt(prime)));
function primes(count) {
  const found = [];
  for (let n = 2; found.length < count; n += 1) if (found.every((prime) => n % prime !== 0)) found.push(n);
  return found;
}
function fraction(value) {
  return Math.floor((value - Math.floor(value)) * 4294967296) | 0;
}
var rotate = (value, bits) => value >>> bits | value << 32 - bits;
function sha256(bytes) {
  const length = bytes.length + 9 + 63 & ~63;
  const padded = new Uint8Array(length);
  padded.set(bytes);
  padded[bytes.length] = 128;
  const view = new DataView(padded.buffer);
  view.setUint32(length - 8, Math.floor(bytes.length / 536870912));
  view.setUint32(length - 4, bytes.length << 3 >>> 0);
  const hash = Int32Array.from(START);
  for (let at2 = 0; at2 < length; at2 += 64) block(view, at2, hash);
  const out = new DataView(new ArrayBuffer(32));
  hash.forEach((word, index) => out.setInt32(4 * index, word));
  return toHex(new Uint8Array(out.buffer));
}
function block(view, at2, hash) {
  const w = new Int32Array(64);
  for (let i = 0; i < 16; i += 1) w[i] = view.getInt32(at2 + 4 * i);
  for (let i = 16; i < 64; i += 1) {
    const early = w[i - 15];
    const late = w[i - 2];
    const s0 = rotate(early, 7) ^ rotate(early, 18) ^ early >>> 3;
    const s1 = rotate(late, 17) ^ rotate(late, 19) ^ late >>> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1 | 0;
  }
  let [a, b, c, d, e, f, g, h] = hash;
  for (let i = 0; i < 64; i += 1) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const t1 = h + s1 + (e & f ^ ~e & g) + K[i] + w[i] | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const t2 = s0 + (a & b ^ a & c ^ b & c) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, d + t1 | 0, c, b, a, t1 + t2 | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, index) => hash[index] = hash[index] + word);
}

// src/contract.ts
var DOCS = 15;
function descriptorHash(descriptor) {
  return sha256(canonical(descriptor, false));
}
function canonical(descriptor, withDocs) {
  const reader = new Reader(descriptor);
  const writer2 = new Writer();
  copy(reader, writer2, withDocs);
  reader.end();
  return writer2.take();
}
function copy(reader, writer2, withDocs) {
  const first2 = reader.peek();
  switch (first2 >> 5) {
    case 0:
    case 1:
      return writer2.big(BigInt(reader.integer()));
    case 2:
      return writer2.blob(reader.blob());
    case 3:
      return writer2.text(reader.text());
    case 4: {
      const items = reader.array((inner) => part(inner, withDocs));
      writer2.head(128, items.length);
      return items.forEach((item2) => writer2.raw(item2));
    }
    case 5:
      return copyMap(reader, writer2, withDocs);
    case 7:
      return copySimple(reader, writer2);
    default:
      throw new DecodeError("a descriptor has no tags");
  }
}
function part(reader, withDocs) {
  const writer2 = new Writer();
  copy(reader, writer2, withDocs);
  return writer2.take();
}
function copyMap(reader, writer2, withDocs) {
  const entries = [];
  for (let left = reader.enterMap(); reader.more(left); left -= 1) {
    const key2 = reader.integer();
    const value = part(reader, withDocs);
    if (key2 === DOCS && !withDocs) continue;
    const name = new Writer();
    name.big(BigInt(key2));
    entries.push([name.take(), value]);
  }
  reader.leave();
  entries.sort(([a], [b]) => compareBytes(a, b));
  writer2.head(160, entries.length);
  for (const [key2, value] of entries) {
    writer2.raw(key2);
    writer2.raw(value);
  }
}
function copySimple(reader, writer2) {
  const value = reader.simpleOrFloat();
  if (typeof value === "number") writer2.f64(value);
  else if (value.simple === 22) writer2.null();
  else writer2.bool(value.simple === 21);
}
function fromBase64(text3) {
  return Uint8Array.from(atob(text3), (unit) => unit.charCodeAt(0));
}

// src/work.ts
var ENDED = new FluxarError("cancelled", "the work has ended");
var Job = class {
  controller = new AbortController();
  answer;
  graceMs;
  timer;
  graceTimer;
  isAnswered = false;
  constructor(answer, deadline, graceMs) {
    this.answer = answer;
    this.graceMs = graceMs;
    if (deadline !== void 0) this.timer = setTimeout(() => this.expire(), clampTimeout(deadline - Date.now()));
  }
  /** Runs the handler; the promise is done when it has really ended. */
  async run(handler) {
    try {
      const payload = await handler();
      this.reply(void 0, payload);
    } catch (thrown) {
      this.reply(this.errorOf(thrown), void 0);
    } finally {
      clearTimeout(this.timer);
      clearTimeout(this.graceTimer);
    }
  }
  /** What a handler throws because it was stopped is no fault of its own. */
  errorOf(thrown) {
    const { signal } = this.controller;
    if (!signal.aborted || thrown instanceof FluxarError) return toFluxarError(thrown);
    return toFluxarError(signal.reason);
  }
  /** The caller has cancelled [L5.cancel.1]; the handler has some time to come to an end [L5.cancel.2]. */
  cancel() {
    const error = new FluxarError("cancelled", "[L5.cancel.2] cancelled by the caller", { origin: "peer" });
    if (!this.controller.signal.aborted) {
      this.controller.abort(error);
      this.graceTimer = setTimeout(() => this.reply(error, void 0), this.graceMs);
    }
    return error;
  }
  /** The deadline has passed [L5.deadline.2]. */
  expire() {
    const error = new FluxarError("deadline_exceeded", "[L5.deadline.2] the handler took too long");
    this.reply(error, void 0);
    this.controller.abort(error);
  }
  /** The session is over: nobody is there to be answered. */
  abandon(error) {
    this.isAnswered = true;
    clearTimeout(this.timer);
    clearTimeout(this.graceTimer);
    this.controller.abort(error);
  }
  reply(error, payload) {
    if (this.isAnswered) return;
    this.isAnswered = true;
    this.answer(error, payload);
  }
};
var Jobs = class {
  byId = /* @__PURE__ */ new Map();
  atWork = /* @__PURE__ */ new Set();
  add(id, job) {
    this.atWork.add(job);
    if (id !== null) this.byId.set(id, job);
  }
  /** Its handler has ended. */
  ended(job) {
    this.atWork.delete(job);
  }
  /** Handlers that have not ended, notifications among them. */
  get running() {
    return this.atWork.size;
  }
  get(id) {
    return this.byId.get(id);
  }
  /** The request is answered. */
  remove(id) {
    this.byId.delete(id);
  }
  get open() {
    return this.byId.size;
  }
  abandon(error) {
    for (const job of this.atWork) job.abandon(error);
    this.byId.clear();
  }
};

// src/keyed.ts
var DEFAULTS = {
  keptForMs: 24 * 3600 * 1e3,
  keysMax: 1e4,
  runningMax: 1024,
  runningAllMax: 8192,
  attemptsMax: 64,
  outcomeBytesMax: 64 << 10,
  bytesMax: 64 << 20
};
var ENTRY_BYTES2 = 256;
var NO_BYTES = new Uint8Array();
var KeyedCalls = class {
  limits;
  now;
  running = /* @__PURE__ */ new Map();
  /** The oldest first. */
  done = /* @__PURE__ */ new Map();
  shares = /* @__PURE__ */ new Map();
  handlers = 0;
  bytes = 0;
  constructor(limits = {}, now = () => performance.now()) {
    this.limits = { ...DEFAULTS, ...limits };
    this.now = now;
  }
  /** Gives what the call comes to. The handler runs for the first attempt, whatever becomes of the session that made it. */
  async run(attempt, handler) {
    const { error, payload } = await this.join(attempt, handler);
    if (error !== void 0) throw error;
    return payload;
  }
  join(attempt, handler) {
    this.expire();
    const { owner, target, key: key2, payload } = attempt;
    const caller = owner.identity === void 0 ? "" : `=${owner.identity}`;
    const instance = owner.identity === void 0 ? toHex(owner.instance) : "";
    const name = `${caller}
${instance}
${target}
${toHex(key2)}`;
    const hash = sha256(payload ?? NO_BYTES);
    const running = this.running.get(name);
    const done = this.done.get(name);
    const known2 = running ?? done;
    if (known2 !== void 0 && known2.hash !== hash) {
      return refused("failed_precondition", "[L5.idempotent.3] the idempotency key was used with other parameters");
    }
    if (done !== void 0) return done.outcome;
    if (running !== void 0) {
      if (running.waiting.size < this.limits.attemptsMax) return outcomeFor(running, attempt.signal);
      return refused("resource_exhausted", "too many attempts wait for this key: wait for one of them");
    }
    const share = this.shares.get(caller) ?? { name: caller, keys: 0, running: 0, done: /* @__PURE__ */ new Set() };
    if (share.running >= this.limits.runningMax || this.handlers >= this.limits.runningAllMax) {
      return refused("resource_exhausted", "too many calls with keys run already: wait for some of them");
    }
    return outcomeFor(this.start(name, hash, share, attempt.deadline, handler), attempt.signal);
  }
  start(name, hash, share, deadline, handler) {
    this.shares.set(share.name, share);
    share.keys += 1;
    share.running += 1;
    this.handlers += 1;
    const controller = new AbortController();
    const running = { hash, waiting: /* @__PURE__ */ new Set() };
    const settle = (outcome) => {
      for (const tell of running.waiting) tell(outcome);
      running.waiting.clear();
    };
    this.running.set(name, running);
    const expire = () => {
      const error = new FluxarError("deadline_exceeded", "[L5.deadline.2] the handler took too long");
      this.running.delete(name);
      this.leave(share);
      settle({ error });
      controller.abort(error);
    };
    const timer = deadline === void 0 ? void 0 : setTimeout(expire, clampTimeout(deadline - Date.now()));
    void outcomeOf(handler, controller.signal).then((outcome) => {
      clearTimeout(timer);
      this.handlers -= 1;
      share.running -= 1;
      if (this.running.get(name) === running) this.keep(name, hash, share, outcome);
      else this.release(share);
      settle(outcome);
      controller.abort(ENDED);
    });
    return running;
  }
  /** The handler came to its end: its outcome is there for later attempts. */
  keep(name, hash, share, outcome) {
    const { keysMax, outcomeBytesMax, bytesMax } = this.limits;
    this.running.delete(name);
    const bytes = bytesOf(outcome) + name.length;
    if (bytes > outcomeBytesMax) return this.leave(share);
    this.done.set(name, { hash, outcome: bare(outcome), bytes, at: this.now(), share });
    share.done.add(name);
    this.bytes += bytes;
    if (share.keys > keysMax) this.drop(first(share.done.keys()));
    while (this.bytes > bytesMax) this.drop(first(this.done.keys()));
  }
  drop(name) {
    const { bytes, share } = this.done.get(name);
    this.done.delete(name);
    share.done.delete(name);
    this.bytes -= bytes;
    this.leave(share);
  }
  /** One key less. */
  leave(share) {
    share.keys -= 1;
    this.release(share);
  }
  release(share) {
    if (share.keys === 0 && share.running === 0) this.shares.delete(share.name);
  }
  expire() {
    const oldest = this.now() - this.limits.keptForMs;
    for (const [name, { at: at2 }] of this.done) {
      if (at2 > oldest) return;
      this.drop(name);
    }
  }
};
function refused(code, message) {
  return { error: new FluxarError(code, message) };
}
async function outcomeOf(handler, signal) {
  try {
    return { payload: await handler(signal) };
  } catch (thrown) {
    return { error: toFluxarError(thrown) };
  }
}
function outcomeFor({ waiting }, signal) {
  return new Promise((resolve) => {
    waiting.add(resolve);
    const leave = () => void (waiting.delete(resolve) && resolve({ error: toFluxarError(signal?.reason) }));
    signal?.addEventListener("abort", leave, { once: true });
  });
}
function bare({ error, payload }) {
  if (error === void 0) return { payload: payload?.slice() };
  const { code, message, typeName, details, retryAfterMs } = error;
  return {
    error: new FluxarError(code, message, {
      ...typeName === void 0 ? {} : { typeName },
      ...details === void 0 ? {} : { details: details.slice() },
      ...retryAfterMs === void 0 ? {} : { retryAfterMs }
    })
  };
}
function bytesOf({ error, payload }) {
  const said = (error?.message.length ?? 0) + (error?.typeName?.length ?? 0) + (error?.details?.length ?? 0);
  return said + (payload?.length ?? 0) + ENTRY_BYTES2;
}
function first(values) {
  const { done, value } = values.next();
  return done ? void 0 : value;
}

// src/link.ts
var MemoryLink = class {
  other;
  isOpen = true;
  bufferedBytes = 0;
  onBytes = () => {
  };
  onClose = () => {
  };
  onRoom = () => {
  };
  send(bytes) {
    if (!this.isOpen) return;
    this.bufferedBytes += bytes.length;
    queueMicrotask(() => {
      this.bufferedBytes -= bytes.length;
      if (this.other?.isOpen) this.other.onBytes(bytes);
      this.onRoom();
    });
  }
  close() {
    if (!this.isOpen) return;
    queueMicrotask(() => {
      this.end("closed");
      this.other?.end("closed by the other side");
    });
  }
  end(reason) {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.onClose(reason);
  }
};
function memoryLinks() {
  const one = new MemoryLink();
  const two = new MemoryLink();
  one.other = two;
  two.other = one;
  return [one, two];
}

// src/backoff.ts
var DEFAULT_BACKOFF = { firstMs: 200, longestMs: 3e4, factor: 2 };
function waitMs(backoff, attempt, random = Math.random) {
  const most = Math.min(backoff.longestMs, backoff.firstMs * backoff.factor ** attempt);
  return most * (0.5 + 0.5 * random());
}

// src/hello.ts
var VERSION = 1;
var ENCODING_NUMBERS = 1;
var LIST_MAX = 16;
var TEXT_BYTES_MAX2 = 256;
var DATA_BYTES_MAX = 8192;
var LIMIT_KEYS = [
  "frameBytesMax",
  "messageBytesMax",
  "callsMax",
  "streamsMax",
  "subscriptionsMax",
  "initialCredit",
  "groupsMax",
  "reassemblyBytesMax"
];
function encodeHello(body) {
  const { peer, capabilities: capabilities2, limits, auth } = body;
  const writer2 = new Writer();
  writeItem(
    writer2,
    numbered([
      [0, body.versions],
      [1, numbered([[0, peer.instance], [1, peer.name], [2, peer.roles]])],
      [
        2,
        numbered([
          [0, capabilities2.codecs],
          [1, capabilities2.seals],
          [2, capabilities2.resume],
          [3, capabilities2.qos],
          [4, capabilities2.encodings]
        ])
      ],
      [3, numbered(LIMIT_KEYS.map((key2, index) => [index, limits[key2]]))],
      [4, body.heartbeatMs],
      [5, auth === void 0 ? void 0 : numbered([[0, auth.scheme], [1, auth.data.length > 0 ? auth.data : void 0]])],
      [6, body.session]
    ])
  );
  return writer2.take();
}
function missing2(what) {
  return new Violation("L4.body.1", `the HELLO body lacks a key, or a value has the wrong type: ${what}`);
}
function tooLong(what) {
  return new Violation("L4.body.4", `too long in the HELLO body: ${what}`);
}
function decodeHello(bytes, form) {
  check(bytes);
  if (bytes.length > PREAUTH_FRAME_BYTES_MAX) throw tooLong("the body");
  const map = known(new Checked(bytes).item(), 7, "the body");
  const versions = uints(need(map, 0, "versions"), "versions");
  const peer = readPeer(known(need(map, 1, "peer"), 2, "peer"));
  const capabilities2 = readCapabilities(known(need(map, 2, "capabilities"), 4, "capabilities"));
  const limits = readLimits(known(need(map, 3, "limits"), 7, "limits"));
  const heartbeatMs = uint(need(map, 4, "heartbeat_ms"), "heartbeat_ms");
  const auth = map.has(5) ? readAuth(known(map.get(5), 1, "auth")) : void 0;
  const session = map.has(6) ? bstr(map.get(6), "session", 16) : void 0;
  if (map.has(7)) bstr(map.get(7), "nonce", 32);
  else if (auth?.scheme === "challenge" && auth.data.length === 32) throw new Violation("L4.challenge.1", "a challenge needs a nonce");
  if (form === "answer" && session === void 0) throw missing2("session");
  if (form === "answer" ? auth !== void 0 : session !== void 0) {
    throw new Violation("L4.body.2", "the HELLO body has a key that belongs to another HELLO");
  }
  return { versions, peer, capabilities: capabilities2, limits, heartbeatMs, auth, session };
}
function known(item2, highest, what) {
  if (!(item2 instanceof Map)) throw missing2(what);
  for (const key2 of item2.keys()) {
    if (typeof key2 !== "number" && typeof key2 !== "bigint" || key2 < 0) throw missing2(`a key of ${what}`);
    if (key2 > highest && key2 < 32 || key2 > 63) {
      throw new Violation("L4.body.3", "the HELLO body has an unknown key below 32 or above 63");
    }
  }
  return item2;
}
function need(map, key2, what) {
  const value = map.get(key2);
  if (value === void 0) throw missing2(what);
  return value;
}
function may(map, key2, otherwise) {
  const value = map.get(key2);
  return value === void 0 ? otherwise : value;
}
function uint(item2, what) {
  if (typeof item2 !== "number" && typeof item2 !== "bigint" || item2 < 0) throw missing2(what);
  return Math.min(Number(item2), 2 ** 32 - 1);
}
function uints(item2, what) {
  if (!Array.isArray(item2)) throw missing2(what);
  const list = item2.map((part2) => uint(part2, what));
  if (list.length > LIST_MAX) throw tooLong(what);
  return list;
}
function text(item2, what) {
  if (typeof item2 !== "string") throw missing2(what);
  if (byteLength(item2) > TEXT_BYTES_MAX2) throw tooLong(what);
  return item2;
}
function bstr(item2, what, length) {
  if (!(item2 instanceof Uint8Array) || length !== void 0 && item2.length !== length) throw missing2(what);
  return item2.slice();
}
function readPeer(map) {
  const roles = may(map, 2, []);
  if (!Array.isArray(roles)) throw missing2("roles");
  const texts = roles.map((role) => text(role, "roles"));
  if (texts.length > LIST_MAX) throw tooLong("roles");
  return {
    instance: bstr(need(map, 0, "instance"), "instance", 16),
    name: text(need(map, 1, "name"), "name"),
    roles: texts
  };
}
function readCapabilities(map) {
  const resume = may(map, 2, false);
  if (typeof resume !== "boolean") throw missing2("resume");
  return {
    codecs: uints(may(map, 0, []), "codecs"),
    seals: uints(may(map, 1, []), "seals"),
    resume,
    qos: uint(may(map, 3, 0), "qos"),
    encodings: uints(may(map, 4, []), "encodings")
  };
}
function readLimits(map) {
  const [frameBytesMax, messageBytesMax, callsMax, streamsMax, subscriptionsMax, initialCredit, groupsMax, reassemblyBytesMax] = LIMIT_KEYS.map((name, key2) => uint(need(map, key2, name), name));
  const limits = {
    frameBytesMax,
    messageBytesMax,
    callsMax,
    streamsMax,
    subscriptionsMax,
    initialCredit,
    groupsMax,
    reassemblyBytesMax
  };
  const works = frameBytesMax >= 1024 && messageBytesMax >= 1024 && groupsMax >= 1 && initialCredit >= 1 && initialCredit < 2 ** 31 && reassemblyBytesMax >= messageBytesMax;
  if (!works) throw new Violation("L4.body.5", "a limit in HELLO is below the least that works");
  return limits;
}
function readAuth(map) {
  const scheme = text(need(map, 0, "scheme"), "scheme");
  const data = map.has(1) ? bstr(map.get(1), "data") : new Uint8Array();
  if (data.length > DATA_BYTES_MAX) throw tooLong("data");
  return { scheme, data };
}
function credentialOf(auth) {
  if (auth.scheme === "basic" && auth.user.includes(":")) throw new TypeError("a user of `basic` has no colon");
  const secret = auth.scheme === "bearer" ? auth.token : auth.scheme === "basic" ? `${auth.user}:${auth.password}` : auth.key;
  const data = encodeText(secret);
  if (data === void 0 || data.length > DATA_BYTES_MAX) throw new TypeError("a credential is at most 8,192 bytes of text");
  return { scheme: auth.scheme, data };
}

// src/handshake.ts
function capabilities(numbers) {
  return { codecs: [], seals: [], resume: false, qos: 0, encodings: numbers ? [ENCODING_NUMBERS] : [] };
}
function ownBody(who, extra, numbers) {
  return {
    versions: [VERSION],
    peer: { instance: who.instance, name: who.name, roles: who.roles },
    capabilities: capabilities(numbers),
    limits: who.limits,
    heartbeatMs: who.limits.heartbeatMs,
    ...extra
  };
}
function takeOffer(payload) {
  return decodeHello(payload, "offer");
}
function versionRefusal(offer) {
  if (offer.versions.includes(VERSION)) return void 0;
  return new FluxarError("unimplemented", "[L4.version.1] no common protocol version: this side speaks version 1");
}
async function verdict(offer, authenticate, limitMs) {
  const refusal = versionRefusal(offer);
  if (refusal !== void 0 || authenticate === void 0) return { refusal };
  let timer;
  const late = new Promise((resolve) => {
    const refusal2 = new FluxarError("deadline_exceeded", "[L4.reauth.3] nobody decided in time");
    if (limitMs !== void 0) timer = setTimeout(() => resolve({ refusal: refusal2 }), limitMs);
  });
  const decision = async () => authenticate(offer.auth ?? { scheme: "none", data: new Uint8Array() }, offer.peer);
  const decided = decision().then(
    // In plain JavaScript it may be anything: only a text is a name, and what is none must not be one that many share.
    (identity) => ({ identity: typeof identity === "string" ? identity : void 0 }),
    () => ({ refusal: new FluxarError("unauthenticated", "[L4.auth.1] no valid credential") })
  );
  try {
    return await Promise.race([decided, late]);
  } finally {
    clearTimeout(timer);
  }
}
function takeAnswer(payload, numbersOffered) {
  const body = decodeHello(payload, "answer");
  if (body.versions.length !== 1 || body.versions[0] !== VERSION) {
    throw new Violation("L4.version.1", "no common protocol version: this side speaks version 1", "unimplemented");
  }
  const { codecs, seals, resume, qos, encodings } = body.capabilities;
  const isOffered = codecs.length === 0 && seals.length === 0 && !resume && qos === 0 && encodings.every((encoding) => numbersOffered && encoding === ENCODING_NUMBERS);
  if (!isOffered) throw new Violation("L4.caps.1", "the answer's capabilities must be among the offered");
  return body;
}
function knowsNumbers(own2, theirs) {
  return own2 && theirs.encodings.includes(ENCODING_NUMBERS);
}
function randomBytes(length) {
  return crypto.getRandomValues(new Uint8Array(length));
}

// src/entries.ts
function entriesOf(map) {
  const reader = new Reader(map);
  const entries = /* @__PURE__ */ new Map();
  for (let left = reader.enterMap(); reader.more(left); left -= 1) entries.set(Number(reader.integer()), reader.raw());
  return entries;
}
function listOf(list) {
  return list === void 0 ? [] : new Reader(list).array((inner) => inner.raw());
}
function textOf(entries, key2) {
  const bytes = entries.get(key2);
  return bytes === void 0 ? void 0 : new Reader(bytes).text();
}
function item(write) {
  const writer2 = new Writer();
  write(writer2);
  return writer2.take();
}
function text2(value) {
  return item((to) => to.text(value));
}
function listing(items) {
  return item((to) => {
    to.head(128, items.length);
    items.forEach((one) => to.raw(one));
  });
}
function mapping(entries) {
  return item((to) => {
    to.head(160, entries.size);
    for (const [key2, value] of [...entries].sort(([a], [b]) => a - b)) {
      to.int(key2);
      to.raw(value);
    }
  });
}

// src/clash.ts
var TYPES = 3;
var SERVICES = 4;
var TOPICS = 5;
var NAME = 0;
var WIRE = 1;
function freeNames(parts, together) {
  const names2 = /* @__PURE__ */ new Map();
  const own2 = new Set(parts.map(({ kind, name }) => `${kind} ${name}`));
  const tried = /* @__PURE__ */ new Map();
  for (let isSettled = false; !isSettled; ) {
    isSettled = true;
    for (const part2 of parts) {
      const { kind, name } = part2;
      const other = together.get(kind)?.get(names2.get(kind)?.get(name) ?? name);
      if (other === void 0 || compareBytes(other, renamed(part2, names2)) === 0) continue;
      isSettled = false;
      let number = (tried.get(`${kind} ${name}`) ?? 1) + 1;
      while (own2.has(`${kind} ${name}_${number}`)) number += 1;
      tried.set(`${kind} ${name}`, number);
      names2.set(kind, (names2.get(kind) ?? /* @__PURE__ */ new Map()).set(name, `${name}_${number}`));
    }
  }
  return names2;
}
function renamed({ kind, name, bytes }, names2) {
  if (names2.size === 0) return bytes;
  const entries = entriesOf(bytes);
  const own2 = names2.get(kind)?.get(name);
  if (own2 !== void 0) {
    entries.set(NAME, text2(own2));
    if ((kind === TYPES || kind === SERVICES) && !entries.has(WIRE)) entries.set(WIRE, text2(name));
  }
  const types = names2.get(TYPES);
  const change = (key2, how) => void changed(entries, key2, how);
  if (kind === TYPES) {
    const shape = new Reader(entries.get(2)).peek();
    change(3, shape === 0 ? fieldsOf(types) : shape === 1 ? typeOf(types) : variantsOf(types));
    change(8, fieldsOf(types));
  } else if (kind === SERVICES) {
    change(3, each((method) => methodOf(method, types)));
  } else if (kind === TOPICS) {
    change(2, each(tailOf(types)));
    change(3, typeOf(types));
  } else {
    change(2, namesOf(names2.get(SERVICES)));
    change(3, namesOf(names2.get(SERVICES)));
    change(4, namesOf(names2.get(TOPICS)));
  }
  return mapping(entries);
}
function isList(bytes) {
  return new Reader(bytes).peek() >> 5 === 4;
}
function isText2(bytes) {
  return new Reader(bytes).peek() >> 5 === 3;
}
function each(how) {
  return (bytes) => listing(listOf(bytes).map(how));
}
function typeOf(types) {
  return (bytes) => {
    if (!isText2(bytes)) return tailOf(types)(bytes);
    const name = types?.get(new Reader(bytes).text());
    return name === void 0 ? bytes : text2(name);
  };
}
function tailOf(types) {
  return (bytes) => {
    if (!isList(bytes)) return bytes;
    const [head, ...tail] = listOf(bytes);
    return listing([head, ...tail.map(typeOf(types))]);
  };
}
function fieldsOf(types) {
  return entry(3, typeOf(types));
}
function variantsOf(types) {
  return entry(3, (bytes) => {
    const [holds, of] = listOf(bytes);
    return listing([holds, (holds[0] === 0 ? typeOf(types) : fieldsOf(types))(of)]);
  });
}
function entry(key2, how) {
  return each((bytes) => mapping(changed(entriesOf(bytes), key2, how)));
}
function changed(entries, key2, how) {
  const before = entries.get(key2);
  return before === void 0 ? entries : entries.set(key2, how(before));
}
function methodOf(method, types) {
  const entries = entriesOf(method);
  const parts = [
    [2, fieldsOf(types)],
    [3, tailOf(types)],
    [4, typeOf(types)],
    [5, tailOf(types)],
    [6, typeOf(types)]
  ];
  for (const [key2, how] of parts) changed(entries, key2, how);
  return mapping(entries);
}
function namesOf(names2) {
  return (bytes) => {
    const all = listOf(bytes).map((name) => new Reader(name).text());
    return listing(all.map((name) => names2?.get(name) ?? name).sort().map(text2));
  };
}

// src/describe.ts
var DESCRIBE = "fluxar.describe";
var FORM = 1;
var SERVICES2 = 4;
var KINDS = [3, SERVICES2, 5, 6];
var ANY = 20;
var NAME2 = 0;
var WIRE2 = 1;
var PACKAGE = 2;
var METHODS = 3;
var ANSWER = 5;
var DOCS2 = 15;
var SAYABLE = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+$/;
var RAW = " Served by a closure: what it takes and gives is not described.";
function describe(contracts, targets) {
  const together = new Map(KINDS.map((kind) => [kind, /* @__PURE__ */ new Map()]));
  const known2 = /* @__PURE__ */ new Set();
  for (const contract of contracts) {
    const entries = entriesOf(contract);
    const parts = KINDS.flatMap((kind) => listOf(entries.get(kind)).map((bytes) => ({ kind, name: textOf(entriesOf(bytes), NAME2), bytes })));
    const names2 = freeNames(parts, together);
    for (const part2 of parts) together.get(part2.kind).set(names2.get(part2.kind)?.get(part2.name) ?? part2.name, renamed(part2, names2));
    for (const target of targetsOf(entries)) known2.add(target);
  }
  addUnknown(together.get(SERVICES2), targets.filter((target) => !known2.has(target)));
  const whole2 = contracts.length === 1 ? entriesOf(contracts[0]) : /* @__PURE__ */ new Map([[0, item((to) => to.int(FORM))]]);
  for (const [kind, named] of together) {
    const sorted = [...named.keys()].sort();
    if (sorted.length > 0) whole2.set(kind, listing(sorted.map((name) => named.get(name))));
  }
  return mapping(whole2);
}
function targetsOf(contract) {
  return listOf(contract.get(SERVICES2)).flatMap((bytes) => {
    const service = entriesOf(bytes);
    const path = [textOf(service, PACKAGE), textOf(service, WIRE2) ?? textOf(service, NAME2)].filter((part2) => part2 !== void 0);
    return listOf(service.get(METHODS)).map((method) => {
      const entries = entriesOf(method);
      return [...path, textOf(entries, WIRE2) ?? textOf(entries, NAME2)].join(".");
    });
  });
}
function addUnknown(services, targets) {
  const methods = /* @__PURE__ */ new Map();
  for (const target of targets.filter((target2) => SAYABLE.test(target2)).sort()) {
    const dot = target.lastIndexOf(".");
    const path = target.slice(0, dot);
    methods.set(path, [...methods.get(path) ?? [], unknownMethod(target.slice(dot + 1))]);
  }
  for (const [path, listed] of methods) {
    const dot = path.lastIndexOf(".");
    const wire = path.slice(dot + 1);
    let name = wire;
    for (let number = 2; services.has(name); number += 1) name = `${wire}_${number}`;
    const service = /* @__PURE__ */ new Map([[NAME2, text2(name)], [METHODS, listing(listed)]]);
    if (name !== wire) service.set(WIRE2, text2(wire));
    if (dot > 0) service.set(PACKAGE, text2(path.slice(0, dot)));
    services.set(name, mapping(service));
  }
}
function unknownMethod(name) {
  const answer = listing([item((to) => to.int(0)), item((to) => to.int(ANY))]);
  return mapping(/* @__PURE__ */ new Map([[NAME2, text2(name)], [ANSWER, answer], [DOCS2, listing([text2(RAW)])]]));
}

// src/routes.ts
var Routes = class {
  calls = /* @__PURE__ */ new Map();
  streams = /* @__PURE__ */ new Map();
  contracts = [];
  /** Serves calls and notifications of a target. */
  handleBytes(target, handler) {
    this.claim(target);
    this.calls.set(target, handler);
  }
  /** Serves streams of a target. */
  handleStreamBytes(target, handler) {
    this.claim(target);
    this.streams.set(target, handler);
  }
  /** Says which contract the handlers are of: what `fluxar.describe` answers with. */
  describe(descriptor) {
    if (!this.contracts.some((known2) => compareBytes(known2, descriptor) === 0)) this.contracts.push(descriptor);
  }
  claim(target) {
    checkTarget(target);
    if (this.calls.has(target) || this.streams.has(target)) throw new Error(`${target} is served already`);
  }
  call(target) {
    return this.calls.get(target) ?? (target === DESCRIBE ? () => this.description() : void 0);
  }
  description() {
    return describe(this.contracts, [...this.calls.keys(), ...this.streams.keys()]);
  }
  stream(target) {
    return this.streams.get(target);
  }
  /** Why a target has no handler of the wanted shape. */
  missing(target) {
    if (this.streams.has(target)) return `[L5.call.3] \`${target}\` is a stream: open it`;
    if (this.calls.has(target)) return `[L5.call.3] \`${target}\` is no stream: call it`;
    return `[L5.call.3] nobody serves \`${target}\``;
  }
};

// src/budget.ts
var Budget = class {
  burst;
  left;
  last = Date.now();
  unknownRefs = 0;
  constructor(burst) {
    this.burst = burst;
    this.left = burst;
  }
  /** A cheap message came. */
  charge() {
    const now = Date.now();
    this.earn(Math.max(0, now - this.last) / 1e3 * BUDGET_PER_SECOND);
    this.last = now;
    if (this.left < 1) {
      const text3 = "too many cheap messages: send fewer pings, cancels, grants and bad references";
      throw new Violation("L4.calm.1", text3, "resource_exhausted");
    }
    this.left -= 1;
  }
  /** The peer did something of worth, or was sent something. */
  earn(amount) {
    this.left = Math.min(this.burst, this.left + amount);
  }
  /** A message referred to what never was. */
  chargeUnknownRef() {
    this.charge();
    this.unknownRefs += 1;
    if (this.unknownRefs > UNKNOWN_REFS_MAX) {
      throw new Violation("L3.ref.2", "too many refs to ids that never existed or are of another kind");
    }
  }
};

// src/calls.ts
var OutboundCalls = class {
  host;
  open = /* @__PURE__ */ new Map();
  constructor(host) {
    this.host = host;
  }
  get size() {
    return this.open.size;
  }
  has(id) {
    return this.open.has(id);
  }
  call(target, payload, options, origin) {
    const max = Math.min(this.host.callsMax, OUTBOUND_MAX);
    if (this.open.size >= max) {
      const text3 = `${max} calls are open at the peer already: wait for one to end`;
      return Promise.reject(new FluxarError("resource_exhausted", text3));
    }
    return new Promise((resolve, reject) => {
      const deadline = deadlineOf(options, origin);
      const meta = withKey(requestMeta(options, origin, deadline), options.idempotencyKey);
      const signal = options.signal;
      const abort = () => this.stop(id, options.signal?.reason, true);
      const stopped = () => this.stop(id, origin.signal?.reason, true);
      const id = this.host.mint();
      const parcel = this.host.send({ kind: KIND.call, id, target, meta, payload });
      const expire = () => this.stop(id, new FluxarError("deadline_exceeded", "[L5.deadline.2] no answer came in time"), false);
      const timer = deadline === void 0 ? void 0 : setTimeout(expire, clampTimeout(deadline - Date.now()));
      const entry2 = {
        parcel,
        finish: (error, answer, reason) => {
          entry2.finish = void 0;
          clearTimeout(timer);
          signal?.removeEventListener("abort", abort);
          origin.signal?.removeEventListener("abort", stopped);
          if (answer !== void 0) resolve(answer);
          else reject(error ?? reason);
        }
      };
      this.open.set(id, entry2);
      signal?.addEventListener("abort", abort, { once: true });
      origin.signal?.addEventListener("abort", stopped, { once: true });
    });
  }
  /** The caller gives up. */
  stop(id, reason, tellPeer) {
    const entry2 = this.open.get(id);
    if (entry2?.finish === void 0) return;
    if (tellPeer) this.host.send({ kind: KIND.cancel, ref: id });
    entry2.finish(void 0, void 0, reason ?? new FluxarError("cancelled", "the call was aborted"));
  }
  answered(message) {
    const entry2 = this.open.get(message.ref);
    this.open.delete(message.ref);
    entry2?.finish?.(message.error ?? void 0, message.payload?.slice());
    this.host.settled();
  }
  /** The link is gone [L4.lost.1]. */
  lost(why) {
    const entries = [...this.open.values()];
    this.open.clear();
    for (const entry2 of entries) entry2.finish?.(lostError(entry2.parcel.isHanded, why), void 0);
  }
};
function withKey(meta, key2) {
  if (key2 === void 0) return meta;
  if (key2.length !== 16) throw new FluxarError("invalid_argument", "an idempotency key has 16 bytes");
  return new Map(meta).set(META.idempotencyKey, key2);
}
function lostError(isHanded, why) {
  return isHanded ? new FluxarError("indeterminate", `it was sent, and then the session was lost: ${why}`, { origin: "link" }) : new FluxarError("unavailable", `it was not sent, the session was lost: ${why}`, { origin: "link" });
}

// src/feeds.ts
var END2 = /* @__PURE__ */ new Map([[META.end, true]]);
var Feeds = class {
  queueBytesMax;
  queuedBytesMax;
  queuedBytes = 0;
  host;
  broker;
  limits;
  open = /* @__PURE__ */ new Map();
  /** Those with events and credit, each once. */
  waiting = /* @__PURE__ */ new Set();
  wildcards = 0;
  isFlushing = false;
  constructor(host, broker, limits) {
    this.host = host;
    this.broker = broker;
    this.limits = limits;
    this.queueBytesMax = limits.subscriptionBytesMax;
    this.queuedBytesMax = limits.sessionQueueBytesMax;
  }
  has(id) {
    return this.open.has(id);
  }
  /** The peer subscribes: a grant, or a refusal [L5.topic.1]. */
  ask(message) {
    const id = message.id;
    const pattern = message.target;
    const credit = addCredit(0, metaNumber(message.meta, META.credit) ?? this.host.peerInitialCredit);
    const error = this.refusal(message, pattern);
    if (error !== void 0) {
      this.host.send({ kind: KIND.subscribe, ref: id, meta: END2, error });
      return;
    }
    const overflow = metaNumber(message.meta, META.overflow) ?? 0;
    const feed2 = new Feed(this, { id, pattern, group: metaText(message.meta, META.group), overflow, credit });
    this.open.set(id, feed2);
    if (!feed2.isExact) this.wildcards += 1;
    this.host.send({ kind: KIND.subscribe, ref: id });
    this.broker.add(feed2);
  }
  refusal(message, pattern) {
    const { subscriptionsMax, wildcardsMax } = this.limits;
    if (this.host.isDraining) {
      return new FluxarError("unavailable", "[L4.bye.3] the peer is closing its session: reconnect");
    }
    if (reservedKey(message.meta) >= 0) {
      return new FluxarError("unimplemented", "[X.open.1] qos 1 and 2, durable subscriptions and `block` are not offered");
    }
    if (!isWellFormed2(pattern, true)) {
      return new FluxarError("invalid_argument", `[L3.target.2] \`${pattern}\` is no topic pattern`);
    }
    if (this.open.size >= subscriptionsMax || hasWildcard(pattern) && this.wildcards >= wildcardsMax) {
      const text3 = `[L5.topic.6] at most ${subscriptionsMax} subscriptions, ${wildcardsMax} of them with wildcards`;
      return new FluxarError("resource_exhausted", text3);
    }
    return void 0;
  }
  /** The peer takes more of a subscription; false when there is none. */
  granted(id, credit) {
    const feed2 = this.open.get(id);
    feed2?.granted(credit);
    return feed2 !== void 0;
  }
  /** The peer ends a subscription [L5.topic.5]; false when there is none. */
  cancelled(id) {
    const feed2 = this.open.get(id);
    if (feed2 !== void 0) this.end(feed2, void 0);
    return feed2 !== void 0;
  }
  end(feed2, error) {
    if (!this.open.delete(feed2.id)) return;
    this.drop(feed2);
    this.host.send({ kind: KIND.subscribe, ref: feed2.id, meta: END2, error });
  }
  drop(feed2) {
    if (!feed2.isExact) this.wildcards -= 1;
    this.waiting.delete(feed2);
    this.broker.remove(feed2);
  }
  // ---- events
  get hasRoom() {
    return this.host.hasRoom;
  }
  send(feed2, event, isRetained, dropped) {
    const meta = new Map(event.meta);
    if (isRetained) meta.set(META.retain, true);
    if (dropped > 0) meta.set(META.dropped, dropped);
    const target = feed2.isExact ? void 0 : event.topic;
    try {
      this.host.send({ kind: KIND.event, ref: feed2.id, target, meta, payload: event.payload });
    } catch (thrown) {
      if (thrown instanceof FluxarError) return false;
      throw thrown;
    }
    if (!isRetained) this.host.earn();
    return true;
  }
  waits(feed2) {
    this.waiting.add(feed2);
    this.flush();
  }
  /** Sends what waits, one of each subscription by turns, while there is credit and room [L5.overflow.2]. */
  flush() {
    if (this.isFlushing || this.waiting.size === 0) return;
    this.isFlushing = true;
    for (const feed2 of this.waiting) {
      if (!this.host.hasRoom) break;
      this.waiting.delete(feed2);
      feed2.sendNext();
      if (feed2.canSend) this.waiting.add(feed2);
    }
    this.isFlushing = false;
  }
  /** The session is over. */
  close() {
    for (const feed2 of this.open.values()) this.drop(feed2);
    this.open.clear();
  }
};

// src/frame.ts
var GROUP = 16;
var MORE = 32;
var VOLATILE = 64;
function encodeFrame(body, isVolatile2, group, more = false) {
  const varint = group === void 0 ? 0 : varintBytes(group);
  const out = new Uint8Array(5 + varint + body.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, 1 + varint + body.length);
  out[4] = (isVolatile2 ? VOLATILE : 0) | (group === void 0 ? 0 : GROUP) | (more ? MORE : 0);
  if (group !== void 0) writeVarint(view, group, varint);
  out.set(body, 5 + varint);
  return out;
}
function frameHeadBytes(group) {
  return 1 + varintBytes(group);
}
function varintBytes(value) {
  return value < 64 ? 1 : value < 16384 ? 2 : value < 2 ** 30 ? 4 : 8;
}
function writeVarint(view, value, length) {
  if (length === 1) view.setUint8(5, value);
  else if (length === 2) view.setUint16(5, value | 16384);
  else if (length === 4) view.setUint32(5, (value | 2147483648) >>> 0);
  else view.setBigUint64(5, BigInt(value) | 3n << 62n);
}
var FrameReader = class {
  /** From the moment the session is ready, frames may be as long as declared. */
  isReady = false;
  rest = [];
  restBytes = 0;
  limits;
  constructor(limits) {
    this.limits = limits;
  }
  /** Bytes of a frame that is not whole. */
  get pending() {
    return this.restBytes;
  }
  /** Takes bytes, and hands over each frame that is whole. Stops when `take` says false. */
  feed(chunk, take) {
    let bytes = chunk;
    if (this.restBytes > 0) {
      this.rest.push(chunk);
      this.restBytes += chunk.length;
      if (!this.isWhole()) return;
      bytes = concat(this.rest);
      this.rest = [];
      this.restBytes = 0;
    }
    let at2 = 0;
    while (bytes.length - at2 >= 4) {
      const length = readLength(bytes, at2);
      this.checkLength(length);
      const early = bytes.length - at2 > 4 ? bytes[at2 + 4] : void 0;
      if (bytes.length - at2 - 4 < length) {
        if (early !== void 0) checkFlags(early);
        break;
      }
      const body = bytes.subarray(at2 + 4, at2 + 4 + length);
      at2 += 4 + length;
      if (!take(decodeFrame(body))) return;
    }
    if (at2 < bytes.length) {
      this.rest = [bytes.slice(at2)];
      this.restBytes = bytes.length - at2;
    }
  }
  /** Whether the frame at the front is whole, looking at its length once four bytes are there. */
  isWhole() {
    if (this.restBytes < 4) return false;
    if (this.rest[0].length < 4) this.rest = [concat(this.rest)];
    const length = readLength(this.rest[0], 0);
    this.checkLength(length);
    return this.restBytes >= 4 + length;
  }
  checkLength(length) {
    if (length < 1) throw new Violation("L1.len.2", "a frame is empty: its length counts the flags");
    if (this.isReady) {
      if (length > this.limits.frameBytesMax) {
        const text3 = "a frame is longer than the limit in HELLO: cut the message into fragments";
        throw new Violation("L1.len.3", text3, "resource_exhausted");
      }
    } else if (length > PREAUTH_FRAME_BYTES_MAX) {
      throw new Violation("L1.len.4", "a frame above 16 KiB came before the session was ready", "resource_exhausted");
    }
  }
};
function readLength(bytes, at2) {
  return (bytes[at2] << 24 | bytes[at2 + 1] << 16 | bytes[at2 + 2] << 8 | bytes[at2 + 3]) >>> 0;
}
function checkFlags(flags) {
  if (flags & 128) throw new Violation("L1.flags.1", "bit 7 of the flags is reserved: clear it");
  if (flags & 3) throw new Violation("L1.flags.2", "a frame is compressed: send codec 0", "unimplemented");
  if (flags & 4) throw new Violation("L1.flags.3", "a frame is sealed: clear SEALED", "unimplemented");
  if (flags & 8) throw new Violation("L1.flags.4", "a frame has a sequence number: clear SEQ", "unimplemented");
  if (flags & MORE && !(flags & GROUP)) throw new Violation("L1.flags.5", "MORE needs GROUP");
}
function decodeFrame(bytes) {
  const flags = bytes[0];
  checkFlags(flags);
  let at2 = 1;
  let group;
  if (flags & GROUP) {
    const length = bytes.length > 1 ? 1 << (bytes[1] >> 6) : Infinity;
    if (bytes.length < 1 + length) throw new Violation("L1.group.1", "the group id is not a whole varint");
    group = readVarint(bytes, length);
    at2 += length;
  }
  if (at2 >= bytes.length) throw new Violation("L1.body.1", "a frame has no body");
  return { isVolatile: (flags & VOLATILE) !== 0, group, more: (flags & MORE) !== 0, body: bytes.subarray(at2) };
}
function readVarint(bytes, length) {
  let value = BigInt(bytes[1] & 63);
  for (let i = 1; i < length; i += 1) value = value << 8n | BigInt(bytes[1 + i]);
  if (length > 1 && value < 1n << BigInt(4 * length - 2)) {
    throw new Violation("L1.group.1", "the group id is not in its shortest form");
  }
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}
var Assembler = class {
  limits;
  open = /* @__PURE__ */ new Map();
  highest = 0;
  bytes = 0;
  constructor(limits) {
    this.limits = limits;
  }
  /** Whether some message is not whole. */
  get isBusy() {
    return this.open.size > 0;
  }
  /** Takes a fragment; the message when this one was its last. */
  take(frame, group) {
    const entry2 = this.open.get(group) ?? this.begin(frame, group);
    if (entry2.isVolatile !== frame.isVolatile) {
      throw new Violation("L1.volatile.2", "the fragments of a group differ in VOLATILE");
    }
    entry2.bytes += frame.body.length;
    if (entry2.bytes > this.limits.messageBytesMax) {
      const text3 = "a message is longer than the limit in HELLO: send it as a stream";
      throw new Violation("L1.group.5", text3, "resource_exhausted");
    }
    this.bytes += frame.body.length;
    if (this.bytes > this.limits.reassemblyBytesMax) {
      const text3 = "unfinished fragmented messages hold more bytes than the limit in HELLO";
      throw new Violation("L1.group.4", text3, "resource_exhausted");
    }
    entry2.parts.push(frame.body.slice());
    if (frame.more) return void 0;
    this.open.delete(group);
    this.bytes -= entry2.bytes;
    return concat(entry2.parts);
  }
  begin(frame, group) {
    if (group <= this.highest) throw new Violation("L1.group.2", "group ids must rise from 1");
    if (this.open.size >= this.limits.groupsMax) {
      const text3 = "more fragmented messages are open than the limit in HELLO";
      throw new Violation("L1.group.3", text3, "resource_exhausted");
    }
    this.highest = group;
    const entry2 = { parts: [], isVolatile: frame.isVolatile, bytes: 0 };
    this.open.set(group, entry2);
    return entry2;
  }
};

// src/ids.ts
function isOdd(id) {
  return typeof id === "number" ? id % 2 === 1 : (id & 1n) === 1n;
}
var Ids = class {
  isDialer;
  next;
  highestTheirs = 0;
  constructor(isDialer) {
    this.isDialer = isDialer;
    this.next = isDialer ? 1 : 2;
  }
  mint() {
    const id = this.next;
    this.next += 2;
    return id;
  }
  isOurs(id) {
    return isOdd(id) === this.isDialer;
  }
  /** Takes the id of something that the peer opens; `isOpen` when it names what is open. */
  take(id, inFragments, isOpen) {
    if (id >= TWO_64) {
      throw new Violation("L3.id.5", "16-byte ids are reserved for qos 1 and 2: use a session id", "unimplemented");
    }
    if (this.isOurs(id)) throw new Violation("L3.id.3", "the dialer mints odd ids, the acceptor even ones");
    if (isOpen || id <= this.highestTheirs && !inFragments) {
      throw new Violation("L3.id.4", "ids must rise: this one was used before");
    }
    if (id > this.highestTheirs) this.highestTheirs = id;
  }
  /** Whether a ref names something that there has been [L3.ref.2]. */
  wasMinted(ref) {
    if (ref >= TWO_64) return false;
    return this.isOurs(ref) ? ref < this.next : ref <= this.highestTheirs;
  }
};

// src/bound.ts
var BoundCaller = class {
  session;
  origin;
  constructor(session, origin) {
    this.session = session;
    this.origin = origin;
  }
  get numbers() {
    return this.session.numbers;
  }
  callBytes(target, payload, options = {}) {
    return this.session.call(target, payload, options, this.origin);
  }
  notifyBytes(target, payload, options = {}) {
    this.session.notify(target, payload, options, this.origin);
  }
  openBytes(target, payload, isHalf, options = {}) {
    return this.session.stream(target, payload, isHalf, options, this.origin);
  }
  publishBytes(topic, payload, options = {}) {
    this.session.publish(topic, payload, options);
  }
  subscribeBytes(pattern, options = {}) {
    this.session.checkPattern(pattern);
    const ask = (subscription) => this.session.subscriptions.ask(subscription);
    const signals = [options.signal, this.origin.signal].filter((signal2) => signal2 !== void 0);
    const signal = signals.length > 1 ? AbortSignal.any(signals) : signals[0];
    return new Subscription({ ask, forget: () => {
    }, isLasting: false }, pattern, { ...options, signal });
  }
};

// src/context.ts
function makeContext(target, meta, identity, around, bind) {
  return { target, identity, ...around, meta: userMeta(meta), peer: bind(around) };
}

// src/forms.ts
function need2(isTrue, rule, text3) {
  if (!isTrue) throw new Violation(rule, text3);
}
function formOf(message) {
  switch (message.kind) {
    case KIND.hello:
      return helloForm(message);
    case KIND.call:
      return callForm(message);
    case KIND.stream:
      return streamForm(message);
    case KIND.subscribe:
      return subscribeForm(message);
    case KIND.event:
      return eventForm(message);
    case KIND.ack:
      return ackForm(message);
    case KIND.cancel:
      return cancelForm(message);
  }
}
function helloForm({ id, ref, target, payload, error }) {
  if (ref === null) {
    need2(
      id !== null && payload !== null && target === null && error === null,
      "L3.hello.1",
      "an offer has an id and a payload, and nothing else"
    );
    return "offer";
  }
  if (id !== null) {
    need2(
      target === null && payload === null !== (error === null),
      "L3.hello.2",
      "an answer has id, ref, and either payload or error"
    );
    return "answer";
  }
  need2(
    target === null && (payload === null || error === null),
    "L3.hello.3",
    "a confirmation has a ref, and at most an error, or the payload that is due"
  );
  return "confirm";
}
function callForm({ id, ref, target, payload, error }) {
  if (ref === null) {
    need2(target !== null && error === null, "L3.call.1", "a CALL without ref has a target and no error");
    return id === null ? "notification" : "request";
  }
  need2(
    id === null && target === null && payload === null !== (error === null),
    "L3.call.2",
    "a CALL with ref has either payload or error, and neither id nor target"
  );
  return "response";
}
function streamForm({ id, ref, target, payload, error, meta }) {
  if (ref === null) {
    need2(
      id !== null && target !== null && error === null,
      "L3.stream.1",
      "a STREAM without ref has id and target, and no error"
    );
    return "open";
  }
  if (!meta.has(META.end)) {
    need2(
      payload !== null && id === null && target === null && error === null,
      "L3.stream.2",
      "an item has a payload, and neither id, target nor error"
    );
    return "item";
  }
  need2(
    id === null && target === null && (payload === null || error === null),
    "L3.stream.3",
    "an end has neither id nor target, and not both payload and error"
  );
  return "end";
}
function subscribeForm({ id, ref, target, payload, error, meta }) {
  if (ref === null) {
    need2(
      id !== null && target !== null && payload === null && error === null,
      "L3.subscribe.1",
      "a SUBSCRIBE without ref has id and target, and neither payload nor error"
    );
    return "ask";
  }
  need2(
    id === null && target === null && payload === null,
    "L3.subscribe.2",
    "a SUBSCRIBE with ref has neither id, target nor payload"
  );
  need2(error === null || meta.has(META.end), "L3.subscribe.3", "a SUBSCRIBE with an error must have end");
  return meta.has(META.end) ? "over" : "granted";
}
function eventForm({ id, ref, target, payload, error }) {
  if (ref === null) {
    need2(
      target !== null && payload !== null && error === null,
      "L3.event.1",
      "an EVENT without ref has target and payload, and no error"
    );
    return "publish";
  }
  need2(
    payload !== null && id === null && error === null,
    "L3.event.2",
    "an EVENT with ref has a payload, and neither id nor error"
  );
  return "deliver";
}
function ackForm({ id, ref, target, payload, error, meta }) {
  need2(
    target === null && payload === null && error === null && (id === null || ref === null),
    "L3.ack.1",
    "an ACK has neither target, payload nor error, and not both id and ref"
  );
  const credit = metaNumber(meta, META.credit);
  need2(credit === void 0 || ref !== null && credit > 0, "L3.ack.2", "credit needs a ref, and is at least 1");
  if (ref !== null) return credit === void 0 ? "pong" : "credit";
  return id === null ? "heartbeat" : "ping";
}
function cancelForm({ id, ref, target, payload, error }) {
  need2(
    id === null && target === null && payload === null && (ref === null || error === null),
    "L3.cancel.1",
    "a CANCEL has neither id, target nor payload, and an error only without ref"
  );
  return ref === null ? "goodbye" : "cancel";
}

// src/inbound.ts
var Inbound = class {
  session;
  calls = new Jobs();
  streams = new Jobs();
  /** Streams that were refused and whose opener has not ended [L5.stream.3]. */
  refused = 0;
  constructor(session) {
    this.session = session;
  }
  /** Whether requests of the peer are open. */
  get isBusy() {
    return this.calls.open > 0 || this.streams.open > 0;
  }
  abandon(error) {
    this.calls.abandon(error);
    this.streams.abandon(error);
  }
  /** One whole message. */
  message(bytes, hasVolatile, inFragments) {
    const message = decodeEnvelope(bytes);
    if (isVolatile(message) !== hasVolatile) {
      throw new Violation("L1.volatile.1", "VOLATILE belongs on HELLO, ref-less ACK and EVENT of qos 0, and nowhere else");
    }
    const form = formOf(message);
    if (this.session.phase === "handshake") this.early(form, message);
    else this.take(form, message, inFragments);
  }
  early(form, message) {
    if (form === "goodbye") this.session.heard(message.error);
    else if (form === "offer" || form === "answer" || form === "confirm") {
      this.session.hello(form, message);
    } else throw phaseEarly();
  }
  take(form, message, inFragments) {
    const { budget } = this.session;
    switch (form) {
      case "request":
      case "notification":
        return this.request(message, inFragments);
      case "response":
        if (!this.session.calls.has(message.ref)) return this.stray(message.ref);
        return this.session.calls.answered(message);
      case "open":
        return this.open(message, inFragments);
      case "item":
      case "end":
        return this.item(form, message);
      case "ask":
        return this.ask(message, inFragments);
      case "granted":
      case "over":
        if (!this.session.subscriptions.has(message.ref)) return this.stray(message.ref);
        if (!this.session.subscriptions.answered(message)) budget.charge();
        return;
      case "publish":
        return this.published(message);
      case "deliver":
        if (!this.session.subscriptions.has(message.ref)) return this.stray(message.ref);
        checkEvent(message);
        return this.session.subscriptions.delivered(message);
      case "heartbeat":
        return budget.charge();
      case "ping":
        this.takeId(message.id, inFragments);
        budget.charge();
        this.session.lastPing = message.id;
        return;
      case "pong":
        if (!this.session.ponged(message.ref)) return this.stray(message.ref);
        return budget.charge();
      case "credit":
        return this.credit(message);
      case "goodbye":
        budget.charge();
        return this.session.heard(message.error);
      case "cancel":
        return this.cancel(message);
      case "offer":
        this.takeId(message.id, inFragments);
        return this.session.helloAgain(form, message);
      default:
        return this.session.helloAgain(form, message);
    }
  }
  // ---- ids
  isOpen(id) {
    const { calls, streams, subscriptions, feeds } = this.session;
    return calls.has(id) || streams.has(id) || subscriptions.has(id) || feeds.has(id) || this.calls.get(id) !== void 0;
  }
  takeId(id, inFragments) {
    this.session.ids.take(id, inFragments, this.isOpen(id));
  }
  /** A ref to what is not open as such [L3.ref.1 to 3]. */
  stray(ref) {
    if (!this.isOpen(ref) && this.session.ids.wasMinted(ref)) this.session.budget.charge();
    else this.session.budget.chargeUnknownRef();
  }
  // ---- requests
  /** Why a request is not admitted. */
  refusal(message, open, max) {
    const { meta } = message;
    const target = message.target;
    const reserved = reservedKey(meta, message.kind === KIND.call && message.id !== null);
    if (this.session.phase === "draining" && message.id !== null) {
      return new FluxarError("unavailable", "[L4.bye.3] the callee is closing its session: reconnect");
    }
    if (reserved >= 0) {
      return new FluxarError("unimplemented", `[X.open.1] meta key ${reserved} asks for what was not offered`);
    }
    if (!isWellFormed2(target, false)) {
      return new FluxarError("invalid_argument", `[L3.target.2] \`${target}\` is no target: use segments joined by dots`);
    }
    if (metaNumber(meta, META.deadline) === 0) {
      return new FluxarError("deadline_exceeded", "[L5.deadline.2] no time was left on arrival");
    }
    if (open >= max) {
      return new FluxarError("resource_exhausted", `[L5.call.5] ${max} are open already: wait for one to end`);
    }
    if ((metaNumber(meta, META.hops) ?? 0) > HOPS_MAX) {
      return new FluxarError("resource_exhausted", `[L5.hops.1] the chain of calls is longer than ${HOPS_MAX}`);
    }
    return void 0;
  }
  context(message, signal, deadline) {
    const hops = metaNumber(message.meta, META.hops) ?? 0;
    const around = { signal, deadline, hops };
    return makeContext(message.target, message.meta, this.session.identity, around, (origin) => new BoundCaller(this.session, origin));
  }
  request(message, inFragments) {
    const { id } = message;
    const { routes, limits } = this.session.options;
    if (id !== null) this.takeId(id, inFragments);
    const handler = routes.call(message.target);
    const refusal = this.refusal(message, this.calls.running, limits.callsMax) ?? (handler === void 0 ? new FluxarError("unimplemented", routes.missing(message.target)) : void 0);
    if (refusal !== void 0 || handler === void 0) {
      this.session.budget.charge();
      if (id !== null) this.session.send({ kind: KIND.call, ref: id, error: refusal });
      return;
    }
    const key2 = id === null ? void 0 : message.meta.get(META.idempotencyKey);
    const work = key2 instanceof Uint8Array ? this.keyed(message, key2, handler) : handler;
    this.start(message, this.calls, (error, payload) => this.answer(id, error, payload), work);
  }
  /** An attempt at a call that may come more than once: its handler is no work of this session [L5.idempotent.1]. */
  keyed(message, key2, handler) {
    const { identity, peer, options } = this.session;
    const owner = { identity, instance: peer.instance };
    return (payload, { target, deadline, signal }) => {
      const attempt = { owner, target, key: key2.slice(), payload, deadline, signal };
      return options.keyed.run(attempt, async (signal2) => handler(payload, this.context(message, signal2, deadline)));
    };
  }
  /** Puts a handler to work, which counts until it has really ended. */
  start(message, jobs, answer, handle) {
    const deadline = deadlineAt(message);
    const job = new Job(answer, deadline, this.session.limits.cancelGraceMs);
    jobs.add(message.id, job);
    const context = this.context(message, job.controller.signal, deadline);
    const payload = message.payload?.slice();
    void job.run(async () => handle(payload, context)).finally(() => {
      jobs.ended(job);
      this.session.budget.earn(1);
      job.controller.abort(ENDED);
    });
  }
  answer(id, error, payload) {
    if (id === null) return;
    this.calls.remove(id);
    const result = error === void 0 ? { payload: payload ?? new Uint8Array() } : { error };
    try {
      this.session.send({ kind: KIND.call, ref: id, ...result });
    } catch (thrown) {
      if (!(thrown instanceof FluxarError)) throw thrown;
      this.session.send({ kind: KIND.call, ref: id, error: thrown });
    }
    this.session.settled();
  }
  // ---- streams
  open(message, inFragments) {
    const id = message.id;
    const { routes, limits } = this.session.options;
    this.takeId(id, inFragments);
    const credit = addCredit(0, metaNumber(message.meta, META.credit) ?? this.session.peerInitialCredit);
    const openerEnded = message.meta.has(META.end);
    const handler = routes.stream(message.target);
    const window = openerEnded ? 0 : limits.initialCredit;
    let refusal = this.refusal(message, this.streams.running, limits.streamsMax) ?? (handler === void 0 ? new FluxarError("unimplemented", routes.missing(message.target)) : void 0);
    try {
      if (refusal === void 0) this.session.commit(window);
    } catch (thrown) {
      refusal = thrown;
    }
    if (refusal !== void 0 || handler === void 0) return this.refuse(id, openerEnded, refusal);
    const channel = new Channel(this.session.channelHost(window), id, false, credit, window, openerEnded);
    this.session.streams.set(id, channel);
    const answer = (error, payload) => this.finish(channel, error, payload);
    this.start(message, this.streams, answer, (payload, context) => handler(payload, channel, context));
  }
  finish(channel, error, payload) {
    this.streams.remove(channel.id);
    if (error !== void 0) channel.stopReading(error);
    try {
      channel.end({ payload, error });
    } catch (thrown) {
      if (!(thrown instanceof FluxarError)) throw thrown;
      channel.end({ error: thrown });
    }
    this.session.settled();
  }
  /** Until the opener's end comes a refused stream takes a place like any other. */
  refuse(id, openerEnded, error) {
    const { limits } = this.session.options;
    this.session.budget.charge();
    if (!openerEnded && this.refused >= limits.streamsMax) {
      const text3 = "streams that were refused are opened again and again without their end";
      throw new Violation("L5.stream.3", text3, "resource_exhausted");
    }
    if (!openerEnded) this.refused += 1;
    const host = this.session.channelHost(0);
    const channel = new Channel(
      {
        ...host,
        closed: (closed) => {
          if (!openerEnded) this.refused -= 1;
          host.closed(closed);
        }
      },
      id,
      false,
      0,
      openerEnded ? 0 : limits.initialCredit,
      openerEnded
    );
    this.session.streams.set(id, channel);
    channel.end({ error });
  }
  item(form, message) {
    const channel = this.session.streams.get(message.ref);
    if (channel === void 0) return this.stray(message.ref);
    if (form === "item") return channel.arrived(message.payload.slice());
    channel.ended({ payload: message.payload?.slice(), error: message.error ?? void 0 });
  }
  credit(message) {
    const { streams, feeds, budget } = this.session;
    const channel = streams.get(message.ref);
    if (channel === void 0 && !feeds.has(message.ref)) return this.stray(message.ref);
    budget.charge();
    const credit = metaNumber(message.meta, META.credit) ?? 0;
    if (channel !== void 0) channel.granted(credit);
    else feeds.granted(message.ref, credit);
  }
  cancel(message) {
    const ref = message.ref;
    const call2 = this.calls.get(ref);
    const channel = this.session.streams.get(ref);
    if (call2 !== void 0) {
      this.session.budget.charge();
      call2.cancel();
    } else if (channel !== void 0 && !channel.isOurs) {
      this.session.budget.charge();
      const error = this.streams.get(ref)?.cancel();
      if (error !== void 0) channel.stopReading(error);
    } else if (this.session.feeds.cancelled(ref)) this.session.budget.charge();
    else this.stray(ref);
  }
  // ---- topics
  ask(message, inFragments) {
    this.takeId(message.id, inFragments);
    this.session.budget.charge();
    this.session.feeds.ask(message);
  }
  published(message) {
    checkEvent(message);
    const { target, payload, meta } = message;
    const own2 = userMeta(meta);
    const fits = own2.size <= PUBLISHED_META_MAX && userBytes(own2) <= PUBLISHED_META_BYTES_MAX;
    if (!fits || !isWellFormed2(target, false)) this.session.budget.charge();
    else this.session.options.broker.publish(publication(target, payload.slice(), own2), meta.has(META.retain));
  }
};
function checkEvent(message) {
  const { id, meta } = message;
  if (id !== null || (metaNumber(meta, META.qos) ?? 0) > 0) {
    throw new Violation("L5.qos.1", "an event asks for more than qos 0, which HELLO did not offer", "unimplemented");
  }
  const key2 = reservedKey(meta);
  if (key2 >= 0 && key2 !== META.overflow) {
    throw new Violation("X.event.1", `an event carries meta key ${key2}, which HELLO did not offer`, "unimplemented");
  }
}
function deadlineAt(message) {
  const left = metaNumber(message.meta, META.deadline);
  return left === void 0 ? void 0 : Date.now() + left;
}

// src/monitor.ts
var Monitor = class {
  watched;
  stallMs;
  intervalMs = 0;
  timer;
  lastHeard = Date.now();
  receivedBytes = 0;
  partial;
  stall;
  constructor(watched, stallMs) {
    this.watched = watched;
    this.stallMs = stallMs;
  }
  /** The session is ready; the smaller of both heartbeats counts [L4.beat.1]. */
  start(ownMs, theirMs) {
    this.intervalMs = Math.max(HEARTBEAT_LEAST_MS, Math.min(ownMs, theirMs));
    this.lastHeard = Date.now();
    this.timer = setInterval(() => this.look(), this.intervalMs / 4);
  }
  stop() {
    clearInterval(this.timer);
  }
  /** Bytes came. Browsers slow the timers of hidden pages down, but not what arrives: so this beats, too. */
  heard(bytes) {
    this.lastHeard = Date.now();
    this.receivedBytes += bytes;
    if (this.timer !== void 0) this.beatIfDue();
  }
  beatIfDue() {
    if (Date.now() - this.watched.lastSent >= 0.7 * this.intervalMs) this.watched.beat();
  }
  look() {
    const now = Date.now();
    this.beatIfDue();
    if (now - this.lastHeard > SILENCE_HEARTBEATS * this.intervalMs) return this.watched.lost();
    this.lookAtPartial(now);
    this.lookAtStall(now);
  }
  lookAtPartial(now) {
    if (!this.watched.isPartial) this.partial = void 0;
    else if (this.partial === void 0) this.partial = { since: now, bytes: this.receivedBytes };
    else if (now - this.partial.since >= this.stallMs) {
      const least = SLOWEST_BYTES_PER_SECOND * (now - this.partial.since) / 1e3;
      if (this.receivedBytes - this.partial.bytes < least) {
        this.watched.fail(new Violation("L4.bound.5", "a message came in slower than 1 KiB/s", "resource_exhausted"));
      }
      this.partial = void 0;
    }
  }
  lookAtStall(now) {
    const left = this.watched.leftBytes;
    if (!this.watched.isWaiting) this.stall = void 0;
    else if (this.stall === void 0 || this.stall.left !== left) this.stall = { since: now, left };
    else if (now - this.stall.since >= this.stallMs) {
      const text3 = "the peer took nothing from the link for 30 s";
      this.watched.fail(new Violation("L4.bound.4", text3, "resource_exhausted"));
    }
  }
};

// src/outbox.ts
var LINK_BYTES_MAX = 64 << 10;
var POLL_MS = 5;
var SOFT_BYTES_MAX = 256 << 10;
var Outbox = class {
  link;
  bytesMax;
  frameBytesMax = FRAGMENT_BYTES;
  messageBytesMax = FRAGMENT_BYTES;
  groupsMax = 0;
  reassemblyBytesMax = 0;
  whole = [];
  flows = /* @__PURE__ */ new Map();
  nextGroup = 1;
  openGroups = 0;
  openBytes = 0;
  timer;
  isPumping = false;
  isOver = false;
  /** Bytes that wait here. */
  bytes = 0;
  /** When something was last handed to the transport. */
  lastSent = 0;
  /** Bytes that were handed to the transport. */
  handedBytes = 0;
  /** Told when all was handed over. */
  onEmpty = () => {
  };
  /** Told when producers may go on. */
  onRoom = () => {
  };
  waiting = [];
  constructor(link, bytesMax) {
    this.link = link;
    this.bytesMax = bytesMax;
    link.onRoom = () => this.isEmpty || this.pump();
  }
  /** From here on the other side's limits count. */
  setPeer(limits) {
    this.frameBytesMax = limits.frameBytesMax;
    this.messageBytesMax = limits.messageBytesMax;
    this.groupsMax = limits.groupsMax;
    this.reassemblyBytesMax = limits.reassemblyBytesMax;
  }
  get isEmpty() {
    return this.whole.length === 0 && this.flows.size === 0;
  }
  /** Refuses what can never be sent, before anything is counted. */
  checkSize(length) {
    if (length > this.messageBytesMax) {
      const text3 = `the message has ${length} bytes, the peer takes ${this.messageBytesMax}: send it as a stream`;
      throw new FluxarError("resource_exhausted", text3);
    }
  }
  /** Whether producers of items may go on. */
  get hasRoom() {
    return this.bytes < SOFT_BYTES_MAX;
  }
  /** Waits until there is room. */
  room() {
    return this.hasRoom || this.isOver ? Promise.resolve() : new Promise((resolve) => this.waiting.push(resolve));
  }
  release() {
    const waiting = this.waiting;
    this.waiting = [];
    for (const resolve of waiting) resolve();
    if (!this.isOver) this.onRoom();
  }
  put(flow, bytes, isVolatile2) {
    const parcel = { bytes, isVolatile: isVolatile2, isHanded: false, group: 0, at: 0 };
    if (this.isOver) return parcel;
    this.bytes += bytes.length;
    const busy = this.flows.get(flow);
    if (busy !== void 0) busy.push(parcel);
    else if (this.fits(parcel)) this.whole.push(parcel);
    else this.flows.set(flow, [parcel]);
    this.pump();
    return parcel;
  }
  fits(parcel) {
    return parcel.bytes.length <= Math.min(FRAGMENT_BYTES, this.frameBytesMax - 1);
  }
  /** Hands over what the transport has room for. */
  pump() {
    if (this.isPumping || this.isOver) return;
    this.isPumping = true;
    try {
      while (this.link.bufferedBytes < LINK_BYTES_MAX && this.step()) ;
    } finally {
      this.isPumping = false;
    }
    if (this.bytes > this.bytesMax) {
      this.link.close();
      return;
    }
    if (this.hasRoom) this.release();
    if (this.isEmpty) this.onEmpty();
    else if (this.timer === void 0) {
      this.timer = setTimeout(() => {
        this.timer = void 0;
        this.pump();
      }, POLL_MS);
    }
  }
  /** All whole messages, then a fragment of each large one; false when nothing was left to do. */
  step() {
    let did = false;
    if (this.whole.length > 0) {
      const ready2 = this.whole;
      this.whole = [];
      for (const parcel of ready2) this.send(parcel, encodeFrame(parcel.bytes, parcel.isVolatile), parcel.bytes.length);
      did = true;
    }
    for (const [flow, queue] of this.flows) did = this.fragment(flow, queue) || did;
    return did;
  }
  fragment(flow, queue) {
    const parcel = queue[0];
    if (parcel.group === 0) {
      const isFull = this.openGroups >= this.groupsMax || this.openGroups > 0 && this.openBytes + parcel.bytes.length > this.reassemblyBytesMax;
      if (isFull) return false;
      parcel.group = this.nextGroup++;
      this.openGroups += 1;
      this.openBytes += parcel.bytes.length;
    }
    const room = Math.min(FRAGMENT_BYTES, this.frameBytesMax - frameHeadBytes(parcel.group));
    const part2 = parcel.bytes.subarray(parcel.at, parcel.at + room);
    parcel.at += part2.length;
    const more = parcel.at < parcel.bytes.length;
    this.send(parcel, encodeFrame(part2, parcel.isVolatile, parcel.group, more), part2.length);
    if (!more) {
      this.openGroups -= 1;
      this.openBytes -= parcel.bytes.length;
      this.advance(flow, queue);
    }
    return true;
  }
  /** The head of a flow is sent: what is small and follows it is whole again. */
  advance(flow, queue) {
    queue.shift();
    while (queue.length > 0 && this.fits(queue[0])) this.whole.push(queue.shift());
    if (queue.length === 0) this.flows.delete(flow);
  }
  send(parcel, frame, length) {
    parcel.isHanded = true;
    this.bytes -= length;
    this.lastSent = Date.now();
    this.handedBytes += frame.length;
    this.link.send(frame);
  }
  /** Nothing more is sent. */
  end() {
    this.isOver = true;
    clearTimeout(this.timer);
    this.whole = [];
    this.flows.clear();
    this.bytes = 0;
    this.release();
  }
};

// src/subscriptions.ts
var Subscriptions = class {
  host;
  open = /* @__PURE__ */ new Map();
  constructor(host) {
    this.host = host;
  }
  has(id) {
    return this.open.has(id);
  }
  /** Asks for events; gives what ends the subscription. */
  ask(subscriber) {
    const { pattern, options } = subscriber;
    if (this.open.size >= this.host.subscriptionsMax) {
      const text3 = `[L5.topic.6] ${this.open.size} subscriptions are open: the peer takes no more`;
      throw new FluxarError("resource_exhausted", text3);
    }
    const meta = /* @__PURE__ */ new Map();
    if (options.credit !== void 0) meta.set(META.credit, options.credit);
    if (options.group !== void 0) meta.set(META.group, options.group);
    if (options.overflow !== void 0) meta.set(META.overflow, OVERFLOW[options.overflow]);
    const id = this.host.mint();
    const window = new Window(options.credit ?? this.host.initialCredit);
    const isWild = hasWildcard(pattern);
    const entry2 = { subscriber, window, isWild, isGranted: false, isCancelled: false };
    this.open.set(id, entry2);
    this.host.send({ kind: KIND.subscribe, id, target: pattern, meta: meta.size > 0 ? meta : NO_META });
    return () => {
      if (entry2.isCancelled || !this.open.has(id)) return;
      entry2.isCancelled = true;
      this.host.send({ kind: KIND.cancel, ref: id });
    };
  }
  /** A grant or an end came. False when it was granted before, which is cheap. */
  answered(message) {
    const id = message.ref;
    const entry2 = this.open.get(id);
    if (message.meta.has(META.end)) {
      this.open.delete(id);
      entry2.subscriber.onOver(message.error ?? void 0);
      return true;
    }
    if (entry2.isGranted) return false;
    entry2.isGranted = true;
    entry2.subscriber.onGranted();
    return true;
  }
  delivered(message) {
    const id = message.ref;
    const entry2 = this.open.get(id);
    const payload = message.payload.slice();
    if (message.target === null && entry2.isWild) {
      throw new Violation("L5.topic.3", "a delivery to a pattern with a wildcard needs its topic");
    }
    const meta = userMeta(message.meta);
    const size = cost(payload, userBytes(meta));
    entry2.window.arrived(size);
    const take = () => {
      const grant = entry2.window.consumed(size);
      if (grant > 0 && this.open.has(id) && !entry2.isCancelled) this.host.grant(id, grant);
    };
    if (entry2.isCancelled) return take();
    const event = {
      topic: message.target ?? entry2.subscriber.pattern,
      payload,
      isRetained: message.meta.has(META.retain),
      dropped: metaNumber(message.meta, META.dropped) ?? 0,
      meta
    };
    entry2.subscriber.onEvent(event, take);
  }
  /** The session is over. */
  lost(error) {
    const entries = [...this.open.values()];
    this.open.clear();
    for (const entry2 of entries) entry2.subscriber.onLost(error);
  }
};

// src/session.ts
var Session = class {
  options;
  limits;
  ids;
  budget;
  calls;
  streams = /* @__PURE__ */ new Map();
  subscriptions;
  /** The peer's subscriptions here. */
  feeds;
  /** Resolved when both sides are ready, rejected when there will be no session. */
  ready;
  /** Resolved at the end, with the reason if it was no goodbye. */
  closed;
  pongs = /* @__PURE__ */ new Map();
  phase = "handshake";
  /** The newest ping that is not answered. */
  lastPing;
  peer;
  /** Who that is, where `authenticate` has said so. */
  identity;
  /** Whether records travel with numbers for keys. */
  numbers = false;
  link;
  outbox;
  inbound;
  monitor;
  frames;
  assembler;
  handshakeTimer;
  drainTimer;
  peerLimits;
  /** Credit of our windows that are open. */
  committed = 0;
  awaited;
  /** Who authenticates again. */
  reauthenticating;
  /** An offer that was taken, and who made it. */
  offered;
  saidGoodbye = false;
  heardGoodbye = false;
  becomeReady = () => {
  };
  becomeFailed = () => {
  };
  becomeClosed = () => {
  };
  constructor(link, options) {
    this.options = options;
    this.limits = options.limits;
    this.link = link;
    this.ids = new Ids(options.role === "dialer");
    this.budget = new Budget(this.limits.budgetBurst);
    this.outbox = new Outbox(link, this.limits.outboxBytesMax);
    this.outbox.onEmpty = () => this.settled();
    this.outbox.onRoom = () => this.feeds.flush();
    this.frames = new FrameReader(this.limits);
    this.assembler = new Assembler(this.limits);
    this.inbound = new Inbound(this);
    this.calls = new OutboundCalls(this.callHost());
    this.subscriptions = new Subscriptions(this.subscriptionHost());
    this.feeds = new Feeds(this.feedHost(), options.broker, this.limits);
    this.monitor = new Monitor(this.watched(), this.limits.stallTimeoutMs);
    this.ready = new Promise((resolve, reject) => {
      this.becomeReady = resolve;
      this.becomeFailed = reject;
    });
    this.ready.catch(() => {
    });
    this.closed = new Promise((resolve) => this.becomeClosed = resolve);
    this.handshakeTimer = setTimeout(() => this.fail(handshakeLate()), this.limits.handshakeTimeoutMs);
    link.onBytes = (bytes) => this.arrived(bytes);
    link.onClose = (reason) => this.finish(new FluxarError("unavailable", reason, { origin: "link" }));
    if (options.role === "dialer") this.offer(options.credential);
    else this.awaited = { form: "offer", ref: 0 };
  }
  // ---- handshake
  offer(credential) {
    const { numbers } = this.options;
    const id = this.ids.mint();
    const body = encodeHello(ownBody(this.options, { auth: credential }, numbers));
    this.send({ kind: KIND.hello, id, payload: body });
    this.awaited = { form: "answer", ref: id };
  }
  /** A HELLO came while one is due. */
  hello(form, message) {
    const { id, ref, payload, error } = message;
    const awaited = this.awaited;
    if (awaited?.form !== form) throw phaseEarly();
    this.awaited = void 0;
    if (form !== "offer" && ref !== awaited.ref) {
      throw new Violation("L4.hello.2", "the HELLO refers to another one than the last", "failed_precondition");
    }
    if (id !== null) this.ids.take(id, false, false);
    if (error !== null) return this.refused(error);
    if (form === "confirm" && payload !== null) {
      throw new Violation("L3.hello.3", "a confirmation has a ref, and at most an error, or the payload that is due");
    }
    if (form === "offer") this.decideOn(message);
    else if (form === "answer") {
      const body = takeAnswer(payload, this.options.numbers);
      this.send({ kind: KIND.hello, ref: id });
      this.begin(body);
    } else {
      const { body, identity } = this.offered;
      this.identity = identity;
      this.begin(body);
    }
  }
  /** A HELLO on a session that is ready: the dialer authenticates again [L4.reauth.1]. */
  helloAgain(form, message) {
    if (form !== "offer") {
      if (this.awaited?.form !== form) throw new Violation("L4.phase.2", "no HELLO of this form is due", "unimplemented");
      return this.hello(form, message);
    }
    if (this.options.role === "acceptor" && this.awaited === void 0) return this.decideOn(message);
    this.budget.charge();
    const text3 = "[L4.phase.2] the side that dialed authenticates again, and not before its last offer was answered";
    this.refuse(message.id, new FluxarError("unimplemented", text3));
  }
  /** Presents another credential; a refusal changes nothing [L4.reauth.2]. `onOffer` is told when it is really on its way. */
  reauthenticate(credential, onOffer) {
    return new Promise((resolve, reject) => {
      if (this.phase !== "ready") return reject(new FluxarError("unavailable", "there is no session"));
      if (this.options.role !== "dialer" || this.awaited !== void 0) {
        return reject(new FluxarError("failed_precondition", "the side that dialed authenticates again, once at a time"));
      }
      this.reauthenticating = { resolve, reject };
      onOffer();
      this.offer(credential);
    });
  }
  decideOn(offer) {
    this.decide(offer.id, takeOffer(offer.payload)).catch((thrown) => this.finish(thrown));
  }
  /** Decides on an offer, and answers. */
  async decide(id, offer) {
    const isFirst = this.phase === "handshake";
    this.awaited = { form: "decision", ref: 0 };
    const { authenticate, limits } = this.options;
    const { refusal, identity } = await verdict(offer, authenticate, isFirst ? void 0 : limits.handshakeTimeoutMs);
    if (this.phase === "closed") return;
    this.awaited = void 0;
    if (refusal !== void 0) {
      this.refuse(id, refusal);
      if (isFirst) this.refused(refusal);
      return;
    }
    const answer = this.ids.mint();
    this.offered = { body: offer, identity };
    const numbers = knowsNumbers(this.options.numbers, offer.capabilities);
    const body = encodeHello(ownBody(this.options, { session: randomBytes(16) }, numbers));
    this.send({ kind: KIND.hello, id: answer, ref: id, payload: body });
    this.awaited = { form: "confirm", ref: answer };
  }
  refuse(offer, error) {
    this.send({ kind: KIND.hello, id: this.ids.mint(), ref: offer, error });
  }
  refused(error) {
    if (this.reauthenticating !== void 0) return this.reauthenticated(error);
    this.link.close();
    this.finish(error);
  }
  reauthenticated(error) {
    const waiter = this.reauthenticating;
    this.reauthenticating = void 0;
    if (error === void 0) waiter?.resolve();
    else waiter?.reject(error);
  }
  begin(body) {
    if (this.phase !== "handshake") return this.reauthenticated(void 0);
    clearTimeout(this.handshakeTimer);
    this.peer = body.peer;
    this.peerLimits = body.limits;
    this.numbers = knowsNumbers(this.options.numbers, body.capabilities);
    this.outbox.setPeer(body.limits);
    this.frames.isReady = true;
    this.phase = "ready";
    this.monitor.start(this.limits.heartbeatMs, body.heartbeatMs);
    this.becomeReady();
  }
  // ---- bytes
  arrived(bytes) {
    if (this.phase === "closed") return;
    this.monitor.heard(bytes.length);
    try {
      this.frames.feed(bytes, (frame) => {
        if (frame.group === void 0) this.inbound.message(frame.body, frame.isVolatile, false);
        else {
          if (this.phase === "handshake") throw groupEarly();
          const whole2 = this.assembler.take(frame, frame.group);
          if (whole2 !== void 0) this.inbound.message(whole2, frame.isVolatile, true);
        }
        return this.phase !== "closed";
      });
      this.answerPing();
    } catch (thrown) {
      if (thrown instanceof Violation) this.fail(thrown);
      else throw thrown;
    }
  }
  /** The answer to a ping answers those before it as well. False when nobody waits for it. */
  ponged(ref) {
    if (!this.pongs.has(ref)) return false;
    for (const [id, pong] of this.pongs) {
      this.pongs.delete(id);
      pong.resolve();
      if (id === ref) break;
    }
    return true;
  }
  /** Answers to pings coalesce to the newest of what came together [L4.ping.1]. */
  answerPing() {
    const ping = this.lastPing;
    this.lastPing = void 0;
    if (ping !== void 0 && this.phase !== "closed") this.send({ kind: KIND.ack, ref: ping });
  }
  /** Sends a message behind those of its flow. */
  send(message) {
    const bytes = encodeEnvelope(message);
    if (this.phase !== "handshake") this.outbox.checkSize(bytes.length);
    return this.outbox.put(flowOf(message), bytes, isVolatile(message));
  }
  // ---- what we open
  /** Refuses while nothing can be opened. */
  open(target, isPattern = false) {
    checkTarget(target, isPattern);
    if (this.phase === "ready" && this.peerLimits !== void 0) return this.peerLimits;
    const text3 = `the session is ${this.phase === "draining" ? "closing" : "closed"}: reconnect`;
    throw new FluxarError("unavailable", text3, { origin: "link" });
  }
  call(target, payload, options, origin) {
    try {
      this.open(target);
      return this.calls.call(target, payload, options, origin);
    } catch (error) {
      return Promise.reject(error);
    }
  }
  notify(target, payload, options, origin) {
    this.open(target);
    const meta = requestMeta(options, origin, deadlineOf(options, origin));
    this.send({ kind: KIND.call, target, meta, payload });
  }
  stream(target, payload, isHalf, options, origin) {
    const limits = this.open(target);
    const max = Math.min(limits.streamsMax, OUTBOUND_MAX);
    if (this.streams.size >= max) {
      throw new FluxarError("resource_exhausted", `${max} streams are open at the peer already: wait for one to end`);
    }
    const window = options.credit ?? this.limits.initialCredit;
    this.commit(window);
    const deadline = deadlineOf(options, origin);
    const meta = new Map(requestMeta(options, origin, deadline));
    if (isHalf) meta.set(META.end, true);
    if (options.credit !== void 0) meta.set(META.credit, options.credit);
    const id = this.ids.mint();
    const parcel = this.send({ kind: KIND.stream, id, target, meta, payload });
    const channel = new Channel(this.channelHost(window), id, true, limits.initialCredit, window, isHalf);
    channel.parcel = parcel;
    this.streams.set(id, channel);
    watch(channel, deadline, options.signal, origin.signal);
    return channel;
  }
  /** Credit that we grant is memory that we promise. */
  commit(window) {
    if (!Number.isSafeInteger(window) || window < 0 || window > CREDIT_MAX) {
      throw new FluxarError("invalid_argument", "credit is a whole number of bytes up to 2^31");
    }
    if (this.committed + window > this.limits.sessionCreditMax) {
      const text3 = `the windows of all open streams would pass ${this.limits.sessionCreditMax} bytes: use less credit`;
      throw new FluxarError("resource_exhausted", text3);
    }
    this.committed += window;
  }
  publish(topic, payload, options) {
    this.open(topic);
    const meta = /* @__PURE__ */ new Map();
    if (options.retain) meta.set(META.retain, true);
    addUserMeta(meta, options.meta);
    this.send({ kind: KIND.event, target: topic, meta, payload });
  }
  /** Refuses here what no session would take. */
  checkPattern(pattern) {
    this.open(pattern, true);
  }
  /** The time to the peer and back, in milliseconds. */
  ping() {
    const id = this.ids.mint();
    const start = performance.now();
    return new Promise((resolve, reject) => {
      if (this.phase !== "ready" && this.phase !== "draining") return reject(new FluxarError("unavailable", "there is no session"));
      this.pongs.set(id, { resolve: () => resolve(performance.now() - start), reject });
      this.send({ kind: KIND.ack, id });
    });
  }
  // ---- what the tables need
  channelHost(window) {
    return {
      sendStream: (message) => {
        if (message.kind === KIND.stream) this.budget.earn(1);
        return this.send(message);
      },
      room: () => this.outbox.room(),
      hasRoom: () => this.outbox.hasRoom,
      grant: (id, credit) => this.grant(id, credit),
      closed: (channel) => {
        this.committed -= window;
        this.streams.delete(channel.id);
        this.settled();
      }
    };
  }
  callHost() {
    const session = this;
    return {
      send: (message) => this.send(message),
      mint: () => this.ids.mint(),
      get callsMax() {
        return session.peerLimits?.callsMax ?? 0;
      },
      settled: () => this.settled()
    };
  }
  subscriptionHost() {
    const session = this;
    return {
      send: (message) => this.send(message),
      mint: () => this.ids.mint(),
      grant: (id, credit) => this.grant(id, credit),
      get subscriptionsMax() {
        return Math.min(session.peerLimits?.subscriptionsMax ?? 0, OUTBOUND_MAX);
      },
      get initialCredit() {
        return session.limits.initialCredit;
      }
    };
  }
  feedHost() {
    const session = this;
    return {
      send: (message) => this.send(message),
      get hasRoom() {
        return session.outbox.hasRoom;
      },
      get isDraining() {
        return session.phase === "draining";
      },
      get peerInitialCredit() {
        return session.peerInitialCredit;
      },
      earn: () => this.budget.earn(1)
    };
  }
  watched() {
    const session = this;
    return {
      get lastSent() {
        return session.outbox.lastSent;
      },
      get leftBytes() {
        return session.outbox.handedBytes - session.link.bufferedBytes;
      },
      get isWaiting() {
        return session.link.bufferedBytes > 0 || !session.outbox.isEmpty;
      },
      get isPartial() {
        return session.frames.pending > 0 || session.assembler.isBusy;
      },
      beat: () => void this.send({ kind: KIND.ack }),
      lost: () => {
        this.link.close();
        const text3 = "[L4.beat.2] nothing was heard for 2.5 heartbeats";
        this.finish(new FluxarError("unavailable", text3, { origin: "link" }));
      },
      fail: (violation) => this.fail(violation)
    };
  }
  grant(id, credit) {
    this.send({ kind: KIND.ack, ref: id, meta: /* @__PURE__ */ new Map([[META.credit, credit]]) });
  }
  /** Credit of a stream or subscription that the peer opens, unless it says otherwise. */
  get peerInitialCredit() {
    return this.peerLimits?.initialCredit ?? 0;
  }
  // ---- the end
  /** Opens nothing more, waits for what is open, and closes the link [L4.bye.4]. */
  goodbye() {
    if (this.phase === "handshake") this.abort(new FluxarError("cancelled", "closed before the session was ready"));
    else this.drain();
    return this.closed;
  }
  /** Ends at once, telling the peer why [L4.bye.6]. */
  abort(error) {
    if (this.phase === "closed") return;
    this.goodbyeNow(error);
    this.finish(error);
  }
  heard(error) {
    if (error !== null) {
      this.link.close();
      return this.finish(error);
    }
    if (this.phase === "handshake") {
      this.link.close();
      return this.finish(new FluxarError("unavailable", "the peer said goodbye during the handshake"));
    }
    this.heardGoodbye = true;
    this.drain();
  }
  drain() {
    if (this.phase === "ready") {
      this.phase = "draining";
      this.drainTimer = setTimeout(() => {
        this.link.close();
        this.finish(new FluxarError("unavailable", "[L4.bye.5] what was open did not end in time", { origin: "link" }));
      }, this.limits.drainTimeoutMs);
    }
    this.settled();
  }
  /** Something has ended: perhaps it was the last. */
  settled() {
    if (this.phase !== "draining" || !this.outbox.isEmpty) return;
    if (!this.saidGoodbye) {
      this.saidGoodbye = true;
      this.send({ kind: KIND.cancel });
    }
    const isOpen = this.calls.size > 0 || this.streams.size > 0 || this.inbound.isBusy;
    if (isOpen || !this.heardGoodbye || !this.outbox.isEmpty) return;
    this.link.close();
    this.finish(void 0);
  }
  /** The peer broke a rule [L4.violation.1]. */
  fail(violation) {
    if (this.phase === "closed") return;
    const error = new FluxarError(violation.code, violation.message, { cause: violation });
    this.goodbyeNow(error);
    this.finish(error);
  }
  goodbyeNow(error) {
    this.outbox.end();
    this.link.send(encodeFrame(encodeEnvelope({ kind: KIND.cancel, error }), false));
    this.link.close();
  }
  /** Everything ends, once [L4.lost.1]. */
  finish(reason) {
    if (this.phase === "closed") return;
    this.phase = "closed";
    clearTimeout(this.handshakeTimer);
    clearTimeout(this.drainTimer);
    this.monitor.stop();
    this.outbox.end();
    const why = reason === void 0 ? "the session was closed" : `${reason.code}: ${reason.message}`;
    this.becomeFailed(reason ?? new FluxarError("unavailable", why));
    for (const pong of this.pongs.values()) pong.reject(new FluxarError("unavailable", "the session ended", { origin: "link" }));
    this.pongs.clear();
    this.reauthenticated(new FluxarError("unavailable", why, { origin: "link" }));
    const lost = lostError(false, why);
    this.inbound.abandon(lost);
    for (const channel of [...this.streams.values()]) channel.lost(lostError(channel.parcel?.isHanded ?? true, why));
    this.streams.clear();
    this.calls.lost(why);
    this.subscriptions.lost(reason === void 0 ? void 0 : lost);
    this.feeds.close();
    this.becomeClosed(reason);
  }
};
function watch(channel, deadline, ...signals) {
  const expire = () => channel.expire(new FluxarError("deadline_exceeded", "[L5.deadline.2] the stream did not end in time"));
  const timer = deadline === void 0 ? void 0 : setTimeout(expire, clampTimeout(deadline - Date.now()));
  const cleanups = signals.map((signal) => {
    const abort = () => channel.abort(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    return () => signal?.removeEventListener("abort", abort);
  });
  channel.onOutcome = () => {
    clearTimeout(timer);
    for (const cleanup of cleanups) cleanup();
  };
}
function flowOf(message) {
  if (message.kind === KIND.hello) return "hello";
  if (message.ref !== void 0) return message.ref;
  if (message.kind === KIND.event) return "events";
  if (message.kind === KIND.call && message.id === void 0) return "events";
  if (message.kind === KIND.ack || message.kind === KIND.cancel) return "session";
  return message.id ?? "session";
}
function handshakeLate() {
  return new Violation("L4.phase.3", "the handshake took too long", "deadline_exceeded");
}
function phaseEarly() {
  const text3 = "nothing but the HELLO that is due may come before the session is ready";
  return new Violation("L4.phase.1", text3, "failed_precondition");
}
function groupEarly() {
  return new Violation("L1.group.7", "a message before the session is ready must be one frame", "failed_precondition");
}

// src/websocket.ts
var SUBPROTOCOL = "fluxar.1";
var DEFAULT_PORT = "9000";
var DEFAULT_PATH = "/fluxar";
function completeUrl(address) {
  let url;
  try {
    url = new URL(address);
  } catch (cause) {
    throw new FluxarError("invalid_argument", `[L0.addr.1] \`${address}\` is no address: use ws://host:port`, { cause });
  }
  if (url.protocol !== "ws:" && url.protocol !== "wss:") {
    throw new FluxarError("invalid_argument", `[L0.addr.1] ${url.protocol}// cannot be dialed from here: use ws://`);
  }
  if (url.port === "" && !/^wss?:\/\/[^/]*:\d+/.test(address)) url.port = DEFAULT_PORT;
  if (url.pathname === "/" || url.pathname === "") url.pathname = DEFAULT_PATH;
  return url.href;
}
function dialWebSocket(address, given, signal) {
  const constructor = given ?? globalThis.WebSocket;
  if (constructor === void 0) {
    const text3 = "there is no global WebSocket here: pass one as `webSocket`, for example that of the package ws";
    return Promise.reject(new FluxarError("failed_precondition", text3));
  }
  return new Promise((resolve, reject) => {
    const socket = new constructor(completeUrl(address), [SUBPROTOCOL]);
    socket.binaryType = "arraybuffer";
    const fail = (text3) => reject(new FluxarError("unavailable", text3, { origin: "link" }));
    const give = () => {
      socket.close();
      fail(`dialing ${address} was given up`);
    };
    socket.onerror = () => {
    };
    if (signal?.aborted) return give();
    signal?.addEventListener("abort", give, { once: true });
    socket.onopen = () => {
      signal?.removeEventListener("abort", give);
      if (socket.protocol === SUBPROTOCOL) return resolve(webSocketLink(socket));
      socket.close();
      fail(`[L0.ws.2] ${address} does not speak ${SUBPROTOCOL}`);
    };
    socket.onclose = () => {
      signal?.removeEventListener("abort", give);
      fail(`no link to ${address}: is a peer listening there, and does it allow this origin?`);
    };
  });
}
function webSocketLink(socket) {
  socket.binaryType = "arraybuffer";
  const link = {
    send: (bytes) => socket.send(bytes),
    close: () => socket.close(),
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    onBytes: () => {
    },
    onClose: () => {
    },
    onRoom: () => {
    }
  };
  socket.onmessage = ({ data }) => {
    if (data instanceof ArrayBuffer) link.onBytes(new Uint8Array(data));
    else if (data instanceof Uint8Array) link.onBytes(new Uint8Array(data.buffer, data.byteOffset, data.length));
    else socket.close();
  };
  socket.onerror = () => {
  };
  socket.onclose = ({ code }) => link.onClose(`the link was closed (${code ?? "no code"})`);
  return link;
}

// src/peer.ts
var INSTANCE = randomBytes(16);
var KEYED = new KeyedCalls();
var KEYED_OF_NODES = /* @__PURE__ */ new WeakMap();
var NO_ORIGIN = {};
var Peer = class _Peer {
  routes;
  /** The topics of this side: what is published here reaches whoever has subscribed here. */
  broker;
  /** Resolved at the end, with the reason if it was no goodbye. */
  closed;
  session;
  dial;
  backoff;
  subscriptions = /* @__PURE__ */ new Set();
  listeners = /* @__PURE__ */ new Set();
  ownsBroker;
  redialing = new AbortController();
  current = "ready";
  isClosing = false;
  becomeClosed = () => {
  };
  present = () => {
  };
  home;
  constructor(session, options, dial, backoff) {
    this.session = session;
    this.routes = session.options.routes;
    this.broker = session.options.broker;
    this.ownsBroker = options.broker === void 0;
    this.dial = dial;
    this.backoff = backoff;
    this.closed = new Promise((resolve) => this.becomeClosed = resolve);
    const peer = this;
    this.home = {
      ask: (subscription) => peer.session.phase === "ready" ? peer.session.subscriptions.ask(subscription) : void 0,
      forget: (subscription) => void peer.subscriptions.delete(subscription),
      get isLasting() {
        return peer.dial !== void 0 && !peer.isClosing;
      }
    };
    this.watch(session);
  }
  /** Dials `ws://…` or `wss://…`, and waits until the session is ready. */
  static async connect(address, options = {}) {
    const own2 = introduction(options);
    const home = { auth: options.auth };
    const dial = async (signal) => {
      const presented = typeof home.auth === "function" ? await home.auth() : home.auth;
      const credential = presented === void 0 ? void 0 : credentialOf(presented);
      const link = await dialWebSocket(address, options.webSocket, signal);
      return ready(new Session(link, { ...own2, role: "dialer", credential }), signal);
    };
    const backoff = options.reconnect === false ? void 0 : { ...DEFAULT_BACKOFF, ...options.reconnect };
    const peer = new _Peer(await dial(options.signal), options, backoff && dial, backoff ?? DEFAULT_BACKOFF);
    peer.present = (auth) => home.auth = auth;
    const give = () => void peer.close();
    options.signal?.addEventListener("abort", give, { once: true });
    void peer.closed.then(() => options.signal?.removeEventListener("abort", give));
    return peer;
  }
  /** Speaks over a link that is there, as the one who made it. */
  static async over(link, options = {}) {
    const session = await ready(new Session(link, { ...introduction(options), role: "dialer" }), void 0);
    return new _Peer(session, options, void 0, DEFAULT_BACKOFF);
  }
  /** Speaks over a link that somebody else has made. */
  static async accept(link, options = {}) {
    const { authenticate } = options;
    const session = await ready(new Session(link, { ...introduction(options), role: "acceptor", authenticate }), void 0);
    return new _Peer(session, options, void 0, DEFAULT_BACKOFF);
  }
  // ---- what it is
  get state() {
    return this.current;
  }
  /** Who the other side is. */
  get remote() {
    return this.session.peer;
  }
  get numbers() {
    return this.session.numbers;
  }
  /** Tells of every change of state; gives what ends that. */
  onState(listener) {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
  // ---- what it serves
  handleBytes(target, handler) {
    this.routes.handleBytes(target, handler);
  }
  handleStreamBytes(target, handler) {
    this.routes.handleStreamBytes(target, handler);
  }
  describe(descriptor) {
    this.routes.describe(descriptor);
  }
  // ---- what it does at the other side
  callBytes(target, payload, options = {}) {
    if (options.idempotencyKey !== void 0) return this.callKeyed(target, payload, options);
    return this.session.call(target, payload, options, NO_ORIGIN);
  }
  /** Sends a call with a key again while its session is lost and there will be another [L5.idempotent.2]. */
  async callKeyed(target, payload, options) {
    const deadline = deadlineOf(options, NO_ORIGIN);
    const attempt = { ...options, timeoutMs: void 0 };
    let sent;
    for (; ; ) {
      try {
        return await this.session.call(target, payload, attempt, { deadline });
      } catch (thrown) {
        if (!isLost(thrown)) throw isUndone(thrown) ? sent ?? thrown : thrown;
        if (thrown.code === "indeterminate") sent = thrown;
        if (this.dial === void 0 || this.isClosing) throw sent ?? thrown;
      }
      await this.relinked(deadline, options.signal);
      options.signal?.throwIfAborted();
      if (deadline !== void 0 && Date.now() >= deadline) {
        throw new FluxarError("deadline_exceeded", "[L5.deadline.2] no answer came in time");
      }
    }
  }
  /** Waits for the next session, the end, the deadline or the signal. */
  relinked(deadline, signal) {
    const ms = deadline === void 0 ? void 0 : deadline - Date.now();
    return pause(
      ms,
      signal,
      (done) => this.onState((state) => {
        if (state === "ready" || state === "closed") done();
      })
    );
  }
  notifyBytes(target, payload, options = {}) {
    this.session.notify(target, payload, options, NO_ORIGIN);
  }
  openBytes(target, payload, isHalf, options = {}) {
    return this.session.stream(target, payload, isHalf, options, NO_ORIGIN);
  }
  publishBytes(topic, payload, options = {}) {
    this.session.publish(topic, payload, options);
  }
  /** Lives on over reconnects; what was published meanwhile is missed. */
  subscribeBytes(pattern, options = {}) {
    checkTarget(pattern, true);
    if (this.current === "closed" || this.isClosing) throw new FluxarError("unavailable", "the session is closed: reconnect");
    const subscription = new Subscription(this.home, pattern, options);
    this.subscriptions.add(subscription);
    return subscription;
  }
  /**
   * Presents another credential on the live session: a token that was refreshed, say. Nothing is dropped, whatever the answer;
   * links made anew present it, too. Only the side that dialed may.
   */
  reauthenticate(auth) {
    const credential = credentialOf(auth);
    return this.session.reauthenticate(credential, () => this.present(auth));
  }
  /** The time to the other side and back, in milliseconds. */
  ping() {
    return this.session.ping();
  }
  // ---- the end
  /** Opens nothing more, waits for what is open, says goodbye. */
  async close() {
    this.isClosing = true;
    this.redialing.abort();
    await this.session.goodbye();
    this.finish(void 0);
  }
  /** Ends at once. */
  abort(message = "closed by the application") {
    this.isClosing = true;
    this.redialing.abort();
    const error = new FluxarError("cancelled", message);
    this.session.abort(error);
    this.finish(error);
  }
  [Symbol.asyncDispose]() {
    return this.close();
  }
  watch(session) {
    void session.closed.then((reason) => this.over(reason));
  }
  over(reason) {
    if (this.dial === void 0 || this.isClosing) return this.finish(reason);
    this.advance("disconnected", reason);
    void this.redial();
  }
  async redial() {
    for (let attempt = 0; !this.isClosing; attempt += 1) {
      await pause(waitMs(this.backoff, attempt), this.redialing.signal);
      if (this.isClosing) return;
      this.advance("connecting", void 0);
      try {
        const session = await this.dial(this.redialing.signal);
        if (this.isClosing) return void session.goodbye();
        this.session = session;
      } catch (thrown) {
        const error = thrown instanceof FluxarError ? thrown : new FluxarError("internal", String(thrown), { cause: thrown });
        if (this.isClosing) return;
        if (error.code === "unauthenticated") return this.finish(error);
        this.advance("disconnected", error);
        continue;
      }
      this.watch(this.session);
      this.advance("ready", void 0);
      for (const subscription of [...this.subscriptions]) subscription.renew();
      return;
    }
  }
  finish(reason) {
    if (this.current === "closed") return;
    this.isClosing = true;
    this.advance("closed", reason);
    for (const subscription of [...this.subscriptions]) subscription.onOver(reason);
    if (this.ownsBroker) this.broker.close();
    this.becomeClosed(reason);
  }
  advance(state, reason) {
    this.current = state;
    for (const listener of [...this.listeners]) listener(state, reason);
  }
};
function isUndone(thrown) {
  return thrown instanceof FluxarError && thrown.code === "unavailable" && thrown.typeName === void 0;
}
function isLost(thrown) {
  return thrown instanceof FluxarError && thrown.origin === "link" && (thrown.code === "unavailable" || thrown.code === "indeterminate");
}
function introduction(options) {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  checkLimits(limits);
  return {
    instance: INSTANCE,
    name: options.name ?? "",
    roles: options.roles ?? [],
    limits,
    numbers: options.numbers ?? true,
    routes: options.routes ?? new Routes(),
    broker: options.broker ?? new Broker(),
    keyed: options.keyed ?? keyedOf(options.broker)
  };
}
function keyedOf(broker) {
  if (broker === void 0) return KEYED;
  const keyed = KEYED_OF_NODES.get(broker) ?? new KeyedCalls();
  KEYED_OF_NODES.set(broker, keyed);
  return keyed;
}
async function ready(session, signal) {
  const give = () => session.abort(new FluxarError("cancelled", "dialing was given up"));
  signal?.addEventListener("abort", give, { once: true });
  try {
    await session.ready;
    return session;
  } finally {
    signal?.removeEventListener("abort", give);
  }
}
function pause(ms, signal, listen = (_done) => () => {
}) {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      leave();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = ms === void 0 ? void 0 : setTimeout(done, clampTimeout(ms));
    const leave = listen(done);
    signal?.addEventListener("abort", done, { once: true });
  });
}

// src/serve.ts
function serveUnary(serving, method, handler) {
  serving.handleBytes(method.target, async (payload, context) => {
    const args = argsOf(method, payload);
    try {
      const answer = await handler(args, context);
      return encode(method.result, answer, context.peer.numbers);
    } catch (thrown) {
      throw outgoing(thrown, method.error, context);
    }
  });
}
function serveInput(serving, method, handler) {
  serving.handleStreamBytes(method.target, async (payload, channel, context) => {
    const args = argsOf(method, payload);
    try {
      const answer = await handler(args, inputOf(method, channel), context);
      return encode(method.result, answer, context.peer.numbers);
    } catch (thrown) {
      throw outgoing(thrown, method.error, context);
    }
  });
}
function serveOutput(serving, method, hasResult, handler) {
  serving.handleStreamBytes(method.target, async (payload, channel, context) => {
    const args = argsOf(method, payload);
    try {
      const output = iteratorOf(handler(args, inputOf(method, channel), context));
      const result = await send(output, method, hasResult, channel, context);
      return hasResult ? encode(method.result, result, context.peer.numbers) : void 0;
    } catch (thrown) {
      throw outgoing(thrown, method.error, context);
    }
  });
}
function argsOf(method, payload) {
  return method.params === void 0 ? void 0 : decodeInput(method.params, payload);
}
async function* inputOf(method, channel) {
  if (method.input === void 0) return;
  for await (const payload of channel) yield decodeInput(method.input, payload);
}
function iteratorOf(output) {
  return Symbol.asyncIterator in output ? output[Symbol.asyncIterator]() : output;
}
async function send(output, method, hasResult, channel, context) {
  const codec = method.items;
  for (; ; ) {
    const { done, value } = await output.next();
    if (done) return value;
    const isWanted = !context.signal.aborted && await channel.send(encode(codec, value, context.peer.numbers));
    if (!isWanted && (!hasResult || channel.isOver)) {
      await output.return?.();
      return void 0;
    }
  }
}
function outgoing(thrown, codec, context) {
  const isTyped = codec !== void 0 && thrown instanceof FluxarError && thrown.typeName === codec.typeName && thrown.detail !== void 0;
  if (!isTyped) return thrown;
  return new FluxarError(thrown.code, thrown.message, {
    typeName: codec.typeName,
    details: encode(codec, thrown.detail, context.peer.numbers),
    cause: thrown,
    ...thrown.retryAfterMs === void 0 ? {} : { retryAfterMs: thrown.retryAfterMs }
  });
}

// src/streaming.ts
var Streaming = class {
  /** The callee's result, once its items are through. Rejects with its error. */
  result;
  channel;
  read;
  fail;
  constructor(channel, read, readResult, fail) {
    this.channel = channel;
    this.read = read;
    this.fail = fail;
    this.result = channel.result.then(readResult, (thrown) => {
      throw fail(thrown);
    });
    this.result.catch(() => {
    });
  }
  /** Asks the callee to stop. Nothing is delivered after this; the result may still come. */
  cancel() {
    this.channel.cancel();
  }
  /** The next item, or undefined after the last. */
  async next() {
    let payload;
    try {
      payload = await this.channel.next();
    } catch (thrown) {
      throw this.fail(thrown);
    }
    if (payload === void 0) return void 0;
    try {
      return this.read(payload);
    } catch (thrown) {
      this.channel.cancel();
      throw thrown;
    }
  }
  /** Passes over the items that are left, and waits for the result. */
  async finish() {
    while (await this.channel.next() !== void 0) ;
    return this.result;
  }
  /** Leaving the loop cancels the stream. */
  [Symbol.asyncIterator]() {
    return iterate(() => this.next(), () => this.channel.stop());
  }
  [Symbol.asyncDispose]() {
    this.channel.stop();
    return Promise.resolve();
  }
};

// src/stub.ts
function payloadOf(caller, method, args) {
  if (method.params === void 0) return void 0;
  method.params.check?.(args, "");
  return encode(method.params, args, caller.numbers);
}
function withTimeout(options, method) {
  if (method.timeoutMs === void 0 || options?.timeoutMs !== void 0) return options;
  return { ...options, timeoutMs: method.timeoutMs };
}
function withKey2(options, method) {
  if (method.idempotent === void 0 || options?.idempotencyKey !== void 0) return options;
  return { ...options, idempotencyKey: randomBytes(16) };
}
function typedError(thrown, codec) {
  const isTyped = codec !== void 0 && thrown instanceof FluxarError && thrown.typeName === codec.typeName && thrown.details !== void 0;
  if (!isTyped) return thrown;
  let detail;
  try {
    detail = decode(codec, thrown.details);
  } catch {
    return thrown;
  }
  return new FluxarError(thrown.code, thrown.message, {
    typeName: codec.typeName,
    details: thrown.details,
    origin: thrown.origin,
    detail,
    cause: thrown,
    ...thrown.retryAfterMs === void 0 ? {} : { retryAfterMs: thrown.retryAfterMs }
  });
}
function isAppError(thrown, codec) {
  return thrown instanceof FluxarError && thrown.typeName === codec.typeName && thrown.detail !== void 0;
}
function appError(codec, detail, message) {
  const kind = detail.kind;
  const text3 = message ?? `${codec.typeName}${typeof kind === "string" ? `: ${kind}` : ""}`;
  return new FluxarError(codec.code(detail), text3, { typeName: codec.typeName, detail });
}
async function call(caller, method, args, options) {
  let payload;
  try {
    const how = withKey2(withTimeout(options, method), method);
    payload = await caller.callBytes(method.target, payloadOf(caller, method, args), how);
  } catch (thrown) {
    throw typedError(thrown, method.error);
  }
  return decodeOutput(method.result, payload);
}
function notify(caller, method, args, options) {
  caller.notifyBytes(method.target, payloadOf(caller, method, args), options);
}
function serverStream(caller, method, args, options) {
  const channel = caller.openBytes(method.target, payloadOf(caller, method, args), true, withTimeout(options, method));
  return streaming(channel, method, void 0);
}
function duplex(caller, method, args, source, options) {
  const channel = caller.openBytes(method.target, payloadOf(caller, method, args), false, withTimeout(options, method));
  const feeding = {};
  void feed(channel, method.input, source, caller.numbers).catch((thrown) => {
    feeding.failure = { thrown };
    channel.end({ error: toFluxarError(thrown) });
    channel.abort(thrown);
  });
  return streaming(channel, method, feeding);
}
async function clientStream(caller, method, args, source, options) {
  return duplex(caller, method, args, source, options).finish();
}
async function feed(channel, codec, source, numbers) {
  for await (const item2 of source) {
    codec.check?.(item2, "");
    if (!await channel.send(encode(codec, item2, numbers))) return;
  }
  channel.end();
}
function streaming(channel, method, feeding) {
  const items = method.items ?? unitCodec;
  const readResult = (payload) => decodeOutput(method.result, payload ?? new Uint8Array());
  const fail = (thrown) => feeding?.failure?.thrown ?? typedError(thrown, method.error);
  return new Streaming(channel, (payload) => decodeOutput(items, payload), readResult, fail);
}

// src/topic.ts
var RESERVED = /[.*>%\u0000-\u0020\u007f]/g;
var encoder2 = new TextEncoder();
function encodeSegment(text3, name) {
  if (text3 === "" || !isWellFormed(text3)) {
    throw new FluxarError("invalid_argument", `${name}: a part of a topic's path must not be empty`);
  }
  return text3.replace(RESERVED, (unit) => {
    let out = "";
    for (const byte of encoder2.encode(unit)) out += `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    return out;
  });
}
function decodeSegment(segment) {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw new FluxarError("internal", `the topic's segment \`${segment}\` is not well-formed`, { cause });
  }
}
function invalid(segment, what) {
  throw new FluxarError("internal", `the topic's segment \`${segment}\` is no ${what}`);
}
var UUID2 = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
var stringParam = { write: (value) => value, read: (segment) => segment };
var boolParam = {
  write: (value) => String(value),
  read: (segment) => segment === "true" ? true : segment === "false" ? false : invalid(segment, "boolean")
};
var uuidParam = {
  write: (value) => {
    const lower = value.toLowerCase();
    if (!UUID2.test(lower)) throw new FluxarError("invalid_argument", `\`${value}\` is no uuid`);
    return lower;
  },
  read: (segment) => UUID2.test(segment) ? segment : invalid(segment, "uuid")
};
function intParam(least, most) {
  const fits = (value) => Number.isInteger(value) && value >= least && value <= most;
  return {
    write: (value) => {
      if (!fits(value)) throw new FluxarError("invalid_argument", `${value} is no whole number within ${least} to ${most}`);
      return String(value + 0);
    },
    read: (segment) => {
      const value = /^-?\d+$/.test(segment) ? Number(segment) : NaN;
      return fits(value) ? value + 0 : invalid(segment, `whole number within ${least} to ${most}`);
    }
  };
}
function bigParam(least, most) {
  const fits = (value) => value >= least && value <= most;
  return {
    write: (value) => {
      if (!fits(value)) throw new FluxarError("invalid_argument", `${value} is not within ${least} to ${most}`);
      return String(value);
    },
    read: (segment) => {
      const value = /^-?\d{1,20}$/.test(segment) ? BigInt(segment) : void 0;
      return value !== void 0 && fits(value) ? value : invalid(segment, "whole number");
    }
  };
}
function enumParam(members, isOpen) {
  const wire = new Map(members);
  const value = new Map(members.map(([name, text3]) => [text3, name]));
  return {
    write: (member) => {
      const key2 = typeof member === "string" ? wire.get(member) : member.key;
      if (typeof key2 !== "string") throw new FluxarError("invalid_argument", "an enum in a path needs a member with a name");
      return key2;
    },
    read: (segment) => {
      const known2 = value.get(segment);
      if (known2 === void 0 && !isOpen) invalid(segment, "member of the enum");
      return known2 ?? { kind: "$unknown", key: segment };
    }
  };
}
var Topic = class {
  host;
  def;
  constructor(host, def) {
    this.host = host;
    this.def = def;
  }
  /** Publishes. Names stand for keys, since a publisher does not know who subscribes. */
  publish(key2, value, options) {
    this.def.codec.check?.(value, "");
    const retain = options?.retain ?? this.def.retain;
    this.host.publishBytes(pathOf(this.def, key2, false), encode(this.def.codec, value, false), { ...options, retain });
  }
  /** Removes the kept value. */
  clear(key2) {
    this.host.publishBytes(pathOf(this.def, key2, false), new Uint8Array(), { retain: true });
  }
  /** Subscribes to the topics whose parameters are these; what is left out matches everything. */
  subscribe(key2 = {}, options) {
    return new TopicSubscription(this.def, this.host.subscribeBytes(pathOf(this.def, key2, true), options));
  }
};
function pathOf(def, key2, isPattern) {
  const segments = def.path.map((segment) => {
    if (typeof segment === "string") return segment;
    const name = segment.param;
    const value = Object.hasOwn(key2, name) ? key2[name] : void 0;
    if (value === void 0 || value === null) {
      if (isPattern) return "*";
      throw new FluxarError("invalid_argument", `${name}: a part of the topic's path is missing`);
    }
    return encodeSegment(def.params[name].write(value), name);
  });
  return segments.join(".");
}
var TopicSubscription = class {
  def;
  subscription;
  constructor(def, subscription) {
    this.def = def;
    this.subscription = subscription;
  }
  /** Resolved when the peer has granted it. */
  get granted() {
    return this.subscription.granted;
  }
  unsubscribe() {
    this.subscription.unsubscribe();
  }
  /** The next event, or undefined after the last. A removed value is passed over. */
  async next() {
    let missed = 0;
    for (; ; ) {
      const event = await this.subscription.next();
      if (event === void 0) return void 0;
      const { topic, payload, isRetained, meta } = event;
      missed += event.dropped;
      if (payload.length === 0) continue;
      try {
        return { key: keyOf(this.def, topic), value: decodeOutput(this.def.codec, payload), topic, isRetained, dropped: missed, meta };
      } catch (thrown) {
        if (!(thrown instanceof FluxarError)) throw thrown;
        missed += 1;
      }
    }
  }
  [Symbol.asyncIterator]() {
    return iterate(() => this.next(), () => this.unsubscribe());
  }
  [Symbol.asyncDispose]() {
    this.unsubscribe();
    return Promise.resolve();
  }
};
function keyOf(def, topic) {
  const segments = topic.split(".");
  const key2 = {};
  def.path.forEach((segment, index) => {
    if (typeof segment === "string") return;
    const value = def.params[segment.param].read(decodeSegment(segments[index] ?? ""));
    Object.defineProperty(key2, segment.param, { value, writable: true, enumerable: true, configurable: true });
  });
  return key2;
}
export {
  Broker,
  Channel,
  DEFAULT_LIMITS,
  DecodeError,
  FluxarError,
  KeyedCalls,
  Peer,
  Reader,
  Routes,
  Simple,
  Streaming,
  Subscription,
  Tagged,
  Timestamp,
  Topic,
  TopicSubscription,
  Violation,
  Writer,
  anyCodec,
  appError,
  at,
  bigParam,
  boolParam,
  building,
  call,
  canonical,
  checkEach,
  checkFormat,
  checkLength,
  checkPattern,
  checkRange,
  checkValues,
  clientStream,
  codeName,
  codeNumber,
  completeUrl,
  decode,
  decodeEnvelope,
  decodeInput,
  decodeOutput,
  decodeSegment,
  define,
  descriptorHash,
  duplex,
  encode,
  encodeSegment,
  enumParam,
  enumTable,
  fromBase64,
  intParam,
  isAppError,
  key,
  memoryLinks,
  missing,
  nameOf,
  names,
  notify,
  own,
  present,
  readAny,
  readDecimal,
  readEnum,
  readFixed,
  readTimestamp,
  readUnknown,
  readUuid,
  same,
  serveInput,
  serveOutput,
  serveUnary,
  serverStream,
  sha256,
  stringParam,
  typedError,
  unitCodec,
  uuidParam,
  webSocketLink,
  writeAny,
  writeDecimal,
  writeEnum,
  writeFixed,
  writeI64,
  writeInt,
  writeKey,
  writeList,
  writeMap,
  writeMapHead,
  writeU64,
  writeUnknown,
  writeUuid
};
