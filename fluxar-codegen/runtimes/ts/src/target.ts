/** Targets, topics and patterns: dotted segments [L3.target.2]. */

import { TEXT_BYTES_MAX } from "./limits.js";
import { byteLength } from "./meta.js";
import { FluxarError } from "./status.js";

const SEGMENTS_MAX = 16;

/** Whether this is a target or topic, or with `isPattern` a pattern of a SUBSCRIBE. */
export function isWellFormed(target: string, isPattern: boolean): boolean {
  const segments = target.split(".");
  if (segments.length > SEGMENTS_MAX) return false;
  return segments.every((segment, index) => {
    if (segment === "*") return isPattern;
    if (segment === ">") return isPattern && index === segments.length - 1;
    return isSegment(segment);
  });
}

function isSegment(segment: string): boolean {
  if (segment === "") return false;
  for (let i = 0; i < segment.length; i += 1) {
    const unit = segment.charCodeAt(i);
    // `*` (0x2a) and `>` (0x3e) stand alone or not at all.
    if (unit <= 0x20 || unit === 0x7f || unit === 0x2a || unit === 0x3e) return false;
  }
  return true;
}

/** Refuses here what the peer would refuse. */
export function checkTarget(target: string, isPattern = false): void {
  if (!isWellFormed(target, isPattern) || byteLength(target) > TEXT_BYTES_MAX) {
    const what = isPattern ? "topic pattern" : "target";
    throw new FluxarError("invalid_argument", `[L3.target.2] \`${target}\` is no ${what}: use segments joined by dots`);
  }
}

export function hasWildcard(pattern: string): boolean {
  return pattern.split(".").some((segment) => segment === "*" || segment === ">");
}

/** Whether a topic matches a pattern. */
export function matches(pattern: string, topic: string): boolean {
  const want = pattern.split(".");
  const have = topic.split(".");
  for (let i = 0; i < want.length; i += 1) {
    if (want[i] === ">") return have.length > i;
    if (have[i] === undefined || (want[i] !== "*" && want[i] !== have[i])) return false;
  }
  return want.length === have.length;
}
