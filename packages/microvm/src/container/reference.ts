import { isIP } from "node:net";
import { resolve } from "node:path";
import { EmberboxError } from "@emberbox/core";

/** Where a container image is. */
export interface ImageReference {
  /** In the words of skopeo. */
  readonly source: string;
  /** The host, and perhaps the port, of the registry that has it; undefined for files of this machine. */
  readonly registry: string | undefined;
}

const DOCKER_HUB = "docker.io";
const HOST = /^(?:[a-z\d](?:[a-z\d.-]*[a-z\d])?|\[[\da-f:.]+\])(?::\d{1,5})?$/i;
const NAME = /^[a-z\d]+(?:(?:[._]|__|-+)[a-z\d]+)*(?:\/[a-z\d]+(?:(?:[._]|__|-+)[a-z\d]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[\da-f]{64}$/;
const LONGEST = 1024;

/**
 * Reads `NAME[:TAG][@DIGEST]` with or without `docker://`, `oci:DIRECTORY[:TAG]`, and `docker-archive:FILE[:TAG]`.
 * Nothing else of skopeo's transports is taken, as they reach programs and files that nobody meant.
 * @throws `invalid_argument`
 */
export function parseReference(text: string): ImageReference {
  if (text.length > LONGEST) throw malformed(text);
  const [, transport, rest] = /^(oci|docker-archive):(.*)$/s.exec(text) ?? [];
  if (transport !== undefined)
    return { source: inFiles(transport, rest!, text), registry: undefined };
  return inRegistry(text);
}

function inFiles(transport: string, rest: string, text: string): string {
  const [path = "", ...tags] = rest.split(":");
  const tag = tags.join(":");
  const isTag = transport === "oci" ? TAG.test(tag) : NAME.test(tags[0] ?? "") || TAG.test(tag);
  if (path === "" || path.includes("\0") || (tags.length > 0 && !isTag) || tags.length > 2)
    throw malformed(text);
  const absolute = resolve(path);
  // skopeo takes everything after the first colon for the tag.
  if (absolute.includes(":")) throw malformed(text);
  return `${transport}:${absolute}${tags.length > 0 ? `:${tag}` : ""}`;
}

function inRegistry(text: string): ImageReference {
  const name = text.replace(/^docker:\/\//, "");
  const [, before = "", digest] = /^([^@]*)(?:@(.*))?$/s.exec(name) ?? [];
  const colon = before.indexOf(":", before.lastIndexOf("/"));
  const [path, tag] = colon === -1 ? [before] : [before.slice(0, colon), before.slice(colon + 1)];
  const [first = "", ...more] = path.split("/");
  // As Docker tells a host from the beginning of a name.
  const hasHost = more.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const registry = hasHost ? first : DOCKER_HUB;
  const repository = hasHost ? more.join("/") : path;
  const isRight =
    HOST.test(registry) &&
    NAME.test(repository) &&
    (tag === undefined || TAG.test(tag)) &&
    (digest === undefined || DIGEST.test(digest));
  if (!isRight) throw malformed(text);
  // A digest says more than a tag, and skopeo takes only one of them.
  const which = digest !== undefined ? `@${digest}` : `:${tag ?? "latest"}`;
  return { source: `docker://${path}${which}`, registry };
}

/** The host of a registry, without its port. */
export const hostOf = (registry: string): string =>
  registry.replace(/:\d+$/, "").replaceAll(/[[\]]/g, "");

/** Whether a registry is on this machine: it may speak without TLS. */
export function isLoopback(registry: string): boolean {
  const host = hostOf(registry);
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function malformed(text: string): EmberboxError {
  return new EmberboxError(
    "invalid_argument",
    `${JSON.stringify(text.slice(0, 200))} names no container image`,
    {
      hint: "Write `NAME:TAG`, `HOST/NAME:TAG`, `oci:DIRECTORY[:TAG]` or `docker-archive:FILE[:TAG]`.",
    },
  );
}
