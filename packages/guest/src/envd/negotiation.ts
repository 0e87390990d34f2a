import type { IncomingHttpHeaders } from "node:http";
import { HttpError } from "./http-error.ts";

/**
 * How a file is to be sent. Compressing costs the sandbox more than it saves on the way to its own host, and HTTP
 * clients ask for it by default: so it is done only for clients that accept gzip and name nothing else, as E2B's SDK
 * does when its user asks for gzip.
 */
export function chooseEncoding(accepted: string | undefined): "identity" | "gzip" {
  const weights = new Map<string, number>();
  for (const one of (accepted ?? "").split(",")) {
    const [name = "", ...parameters] = one.split(";").map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith("q="));
    if (name !== "") weights.set(name, weight === undefined ? 1 : Number(weight.slice(2)));
  }
  const gzip = weights.get("gzip") ?? weights.get("*") ?? 0;
  const identity = weights.get("identity") ?? (weights.get("*") === 0 ? 0 : 1);
  if (gzip > 0 && (identity === 0 || weights.size === 1)) return "gzip";
  if (identity === 0)
    throw new HttpError(406, "no acceptable encoding: identity and gzip are possible");
  return "identity";
}

/** What a request's conditions mean for a file that was last changed then; files have no ETags here. */
export function checkConditions(
  headers: IncomingHttpHeaders,
  changed: Date,
): "send" | "not-modified" | "failed" {
  const matches = headers["if-match"];
  if (matches !== undefined && matches.trim() !== "*") return "failed";
  const unless = secondsOf(headers["if-unmodified-since"]);
  if (matches === undefined && unless !== undefined && wholeSeconds(changed) > unless)
    return "failed";
  const none = headers["if-none-match"];
  if (none !== undefined) return none.trim() === "*" ? "not-modified" : "send";
  const since = secondsOf(headers["if-modified-since"]);
  return since !== undefined && wholeSeconds(changed) <= since ? "not-modified" : "send";
}

/** Whether a range is asked for of the file as it is now. */
export function isRangeCurrent(header: string | undefined, changed: Date): boolean {
  return header === undefined || secondsOf(header) === wholeSeconds(changed);
}

function secondsOf(header: string | undefined): number | undefined {
  const time = header === undefined ? Number.NaN : Date.parse(header);
  return Number.isNaN(time) ? undefined : wholeSeconds(new Date(time));
}

const wholeSeconds = (time: Date): number => Math.floor(time.getTime() / 1000);
