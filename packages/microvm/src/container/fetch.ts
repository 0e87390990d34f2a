import { lstat, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EmberboxError } from "@emberbox/core";
import { type Architecture, architectures } from "../host/architecture.ts";
import { exists } from "../host/exists.ts";
import { requirePrograms } from "../host/programs.ts";
import { runBuilder } from "../image/builder.ts";
import { broken, type FetchedImage, MOST_BYTES, readLayout } from "./layout.ts";
import { type ImageReference, isLoopback } from "./reference.ts";

/** What a registry is shown. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface FetchOptions {
  /** Where everything of container images is kept; it is there. */
  readonly directory: string;
  readonly architecture: Architecture;
  readonly credentials?: Credentials | undefined;
  readonly onProgress?: ((step: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** How long nothing may arrive, in ms. */
  readonly stallMs?: number;
  /** What may arrive, in bytes. */
  readonly mostBytes?: number;
}

const STALL_MS = 120_000;
const LOOK_MS = 500;
/** How often it is said how much has arrived, in bytes. */
const TELL_BYTES = 32 * 1024 * 1024;
const POLICIES = [
  "/etc/containers/policy.json",
  `${process.env["HOME"]}/.config/containers/policy.json`,
];

/** Layers of all images, by their digests: what is there is not fetched again. */
export const blobsIn = (directory: string): string => join(directory, "blobs");
/** How directories begin that a fetch works in. */
export const FETCHING = ".fetching-";

/**
 * Fetches an image with its layers, by skopeo: nothing is unpacked. Credentials that are not given are those of the
 * user's `docker login`.
 * @throws `tool_missing`, `template_build_failed`, `unsupported`
 */
export async function fetchImage(
  reference: ImageReference,
  options: FetchOptions,
): Promise<FetchedImage> {
  const { directory, architecture, signal } = options;
  requirePrograms(["skopeo", "prlimit"]);
  const blobs = blobsIn(directory);
  await mkdir(blobs, { recursive: true, mode: 0o700 });
  const work = await mkdtemp(join(directory, FETCHING));
  try {
    const layout = join(work, "layout");
    await mkdir(layout);
    const command = await commandOf(reference, work, blobs, options);
    const ended = new AbortController();
    const run = runBuilder(command, {
      cwd: work,
      // It keeps archives that it unpacks there: they count, and go with the rest.
      environment: { TMPDIR: work },
      signal: signal ? AbortSignal.any([signal, ended.signal]) : ended.signal,
    }).finally(() => ended.abort());
    await Promise.all([run, watch([work, join(blobs, "sha256")], ended, options)]).catch(
      (error: unknown) => {
        throw signal?.aborted ? signal.reason : failure(reference, error);
      },
    );
    return await readLayout(layout, blobs, architecture);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function commandOf(
  { source, registry }: ImageReference,
  work: string,
  blobs: string,
  { architecture, credentials, mostBytes = MOST_BYTES }: FetchOptions,
): Promise<string[]> {
  const authFile = join(work, "auth.json");
  if (credentials !== undefined && registry !== undefined) {
    const { username, password } = credentials;
    const auth = Buffer.from(`${username}:${password}`).toString("base64");
    await writeFile(authFile, JSON.stringify({ auths: { [registry]: { auth } } }), { mode: 0o600 });
  }
  const hasPolicy = (await Promise.all(POLICIES.map(exists))).includes(true);
  return [
    ...["prlimit", `--fsize=${mostBytes}`, "--", "skopeo"],
    ...(hasPolicy ? [] : ["--insecure-policy"]),
    ...["--override-os", "linux", "--override-arch", architectures[architecture].debian],
    ...["copy", "--quiet", "--remove-signatures", "--format", "oci"],
    // As they came: what is sent then counts, not what would become of it.
    "--dest-oci-accept-uncompressed-layers",
    ...(registry === undefined ? [] : [`--src-tls-verify=${!isLoopback(registry)}`]),
    ...(credentials && registry !== undefined ? ["--authfile", authFile] : []),
    ...["--dest-shared-blob-dir", blobs, source, `oci:${join(work, "layout")}:image`],
  ];
}

/** Ends a fetch that brings too much, or nothing. */
async function watch(
  places: readonly string[],
  ended: AbortController,
  { onProgress, stallMs = STALL_MS, mostBytes = MOST_BYTES }: FetchOptions,
): Promise<void> {
  const before = await bytesIn(places);
  let [last, at, told] = [0, Date.now(), 0];
  while (!ended.signal.aborted) {
    await sleep(LOOK_MS, undefined, { signal: ended.signal }).catch(() => {});
    if (ended.signal.aborted) return;
    const bytes = (await bytesIn(places)) - before;
    if (bytes > mostBytes)
      return ended.abort(broken(`it is larger than ${Math.round(mostBytes / 1024 ** 2)} MiB`));
    if (bytes !== last) [last, at] = [bytes, Date.now()];
    else if (Date.now() - at > stallMs)
      return ended.abort(broken(`nothing arrived for ${Math.round(stallMs / 1000)} seconds`));
    if (bytes - told < TELL_BYTES) continue;
    told = bytes;
    onProgress?.(`fetched ${Math.round(bytes / 1024 ** 2)} MiB`);
  }
}

async function bytesIn(places: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const place of places)
    for (const name of await readdir(place, { recursive: true }).catch(() => []))
      bytes += (await lstat(join(place, name)).catch(() => undefined))?.size ?? 0;
  return bytes;
}

/** What skopeo said, in its last line. */
function failure({ source }: ImageReference, error: unknown): unknown {
  if (!EmberboxError.isInstance(error) || error.code !== "image_build_failed") return error;
  const lines = (error.details["lastLines"] ?? []) as readonly string[];
  const said = lines.findLast((line) => line.trim() !== "") ?? error.message;
  const why = /msg="(.*)"/.exec(said)?.[1]?.replaceAll('\\"', '"') ?? said;
  const isKept = /unauthorized|authentication required|denied/i.test(why);
  return new EmberboxError(
    "template_build_failed",
    `the image ${source} cannot be fetched: ${why.slice(0, 500)}`,
    {
      cause: error,
      ...(isKept && {
        hint: "Log in by `docker login` or `skopeo login`, or give `username` and `password`.",
      }),
    },
  );
}
