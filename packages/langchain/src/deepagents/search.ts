import type { FileInfo, GlobResult, GrepMatch, GrepResult } from "deepagents";
import { EmberboxError } from "@emberbox/core";
import type { BackendCall } from "./call.ts";
import { globRegex } from "./glob-regex.ts";

const MAX_FILES = 1000;
const MAX_MATCHES = 5000;
const MAX_BYTES = 2_000_000;
const MAX_LINE_LENGTH = 2000;
const TIMEOUT_MS = 30_000;

/** Exit code for a missing base directory. */
const MISSING = 66;
const ENTER = `[ -e "$BASE" ] || exit ${MISSING}`;
/** The kernel's file systems, which have no end, unless they are what is searched. */
const KERNEL = "-fstype proc -o -fstype sysfs -o -fstype devtmpfs -o -fstype devpts";

/** What `find` passes over: the kernel's file systems, and the files of the machine's own agent. */
function passedOver(base: string): string {
  const kernel = /^\/+(?:proc|sys|dev)(?:\/|$)/.test(base) ? "" : ` -o ${KERNEL}`;
  const agent = /^\/+run\/*$/.test(base) ? "./emberbox" : "*/run/emberbox";
  // In Debian, `/bin` and others are links to directories that are found without them.
  const links = isRoot(base) ? "\\( -regex '\\./[^/]*' -xtype l -prune -o -true \\)" : "";
  return `\\( -path '${agent}'${kernel} \\) -prune -o ${links}`;
}

function isRoot(base: string): boolean {
  return /^\/+$/.test(base);
}

/**
 * Finds files and directories under `base` whose path relative to it matches; the results are relative, too. Links
 * count as what they lead to.
 */
export async function glob(call: BackendCall, pattern: string, base: string): Promise<GlobResult> {
  const relative = pattern.replace(/^\/+/, "");
  const regex = `\\./${globRegex(relative)}`;
  // Only `**` goes further down than the pattern's own names.
  const depth = relative.includes("**") ? "" : `-maxdepth ${relative.split("/").length}`;
  const script = [
    ENTER,
    'cd -- "$BASE" || exit 0',
    `find -L . -mindepth 1 ${depth} ${passedOver(base)} -regextype posix-extended -regex "$REGEX" ` +
      `-printf '%y\\t%s\\t%T@\\t%P\\0' 2>/dev/null | head -z -n ${MAX_FILES + 1}`,
  ].join("\n");
  const found = await run(call, script, { BASE: base, REGEX: regex });
  if (found === undefined) return { error: `Directory '${base}' not found` };
  const files = found.output.split("\0").slice(0, -1).map(fileInfo);
  return { files: files.slice(0, MAX_FILES), truncated: found.stopped || files.length > MAX_FILES };
}

/** Finds lines that contain `text`, in text files under `base` that match `filter`. */
export async function grep(
  call: BackendCall,
  text: string,
  base: string,
  filter: string | null,
  maxCount: number | null,
): Promise<GrepResult> {
  if (text.includes("\n")) return { matches: [] }; // No line contains an end of line.
  const most = Math.min(maxCount ?? MAX_MATCHES, MAX_MATCHES);
  // As elsewhere, a pattern without a slash matches names in any directory.
  const regex = filter && `.*/${filter.includes("/") ? "" : "(.*/)?"}${globRegex(filter)}`;
  const script = [
    ENTER,
    'if [ -d "$BASE" ]; then cd -- "$BASE" || exit 0; set -- .; else set -- "$BASE"; fi',
    `find -L "$@" ${passedOver(base)} -type f ${regex ? '-regextype posix-extended -regex "$REGEX"' : ""} -print0 ` +
      '2>/dev/null | xargs -0 -r grep -HnIFZs -e "$TEXT" -- ' +
      `| head -n ${most + 1} | head -c ${MAX_BYTES}`,
  ].join("\n");
  const found = await run(call, script, { BASE: base, TEXT: text, REGEX: regex ?? "" });
  if (found === undefined) return { error: `Path '${base}' not found` };
  const matches = matchesIn(found.output, base);
  // Counted as `head` counts, which counts a name that contains an end of line twice.
  const lines = found.output.split("\n").length - 1;
  const cut = lines > most || Buffer.byteLength(found.output) >= MAX_BYTES;
  return { matches: matches.slice(0, most), truncated: found.stopped || cut };
}

async function run(
  { sandbox, signal }: BackendCall,
  script: string,
  values: Record<string, string>,
): Promise<{ output: string; stopped: boolean } | undefined> {
  if (Object.values(values).some((value) => value.includes("\0"))) {
    throw new EmberboxError("invalid_argument", "A pattern may not contain a NUL character");
  }
  const envs = { ...values, LC_ALL: "C.UTF-8" };
  try {
    const options = { envs, signal, timeoutMs: TIMEOUT_MS };
    const { stdout, exitCode } = await sandbox.commands.run(script, options);
    return exitCode === MISSING ? undefined : { output: stdout, stopped: false };
  } catch (error) {
    if (!EmberboxError.isInstance(error) || error.code !== "timeout") throw error;
    const { stdout } = error.details;
    return { output: typeof stdout === "string" ? stdout : "", stopped: true };
  }
}

function fileInfo(record: string): FileInfo {
  const [type = "", size, modified, ...path] = record.split("\t");
  return {
    path: path.join("\t"),
    is_dir: type === "d",
    size: Number(size),
    modified_at: new Date(Number(modified) * 1000).toISOString(),
  };
}

/** Parses records of `path NUL line:text newline`, without a last one that was cut off, in a single pass. */
export function matchesIn(output: string, base: string): GrepMatch[] {
  const matches: GrepMatch[] = [];
  const above = base.replace(/\/+$/, "");
  for (let at = 0; ;) {
    const nul = output.indexOf("\0", at);
    const end = nul < 0 ? -1 : output.indexOf("\n", nul);
    if (end < 0) return matches;
    const path = output.slice(at, nul);
    const found = /^(\d{1,15}):/.exec(output.slice(nul + 1, Math.min(end, nul + 20)));
    at = end + 1;
    if (found === null) continue;
    const from = nul + 1 + found[0].length;
    const text = output.slice(from, Math.min(end, from + MAX_LINE_LENGTH));
    const full = path.startsWith("./") ? `${above}/${path.slice(2)}` : path;
    matches.push({ path: full, line: Number(found[1]), text });
  }
}
