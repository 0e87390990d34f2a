import { lookup } from "node:dns/promises";
import { EmberboxError, Sandbox } from "@emberbox/core";
import type { SandboxProvider } from "@emberbox/core/provider";
import type { ImageSource } from "@emberbox/core/template";
import type { NetworkCeiling } from "@emberbox/core/network";
import { type ContainerImage, obtainContainerImage } from "../container/container-image.ts";
import { MAKER_DISK_MB } from "../container/make-disk.ts";
import { hostOf, parseReference } from "../container/reference.ts";
import { parseCeiling } from "../network/ceiling.ts";
import type { Policy } from "../network/policy.ts";
import { judgeHost } from "../network/reachable.ts";
import { resolveCreateOptions } from "../restore/create-options.ts";
import type { Engine } from "./engine.ts";
import type { KnownSandboxes } from "./known-sandboxes.ts";

/** What becomes of hostile layers has to end some time, in ms. */
const MAKER_MS = 4 * 60 * 60 * 1000;

export interface ContainerImagesOptions {
  readonly open: () => Engine;
  readonly sandboxes: KnownSandboxes;
  readonly provider: () => SandboxProvider;
}

interface Obtain {
  /** What the caller may reach, if it is not the caller's to decide. */
  readonly ceiling: NetworkCeiling | undefined;
  readonly onProgress: (step: string) => void;
  readonly signal: AbortSignal | undefined;
}

/** The image of a container image, fetched and made when it is not there. @throws as `obtainContainerImage` does */
export async function obtainImageOf(
  { image, username, password }: ImageSource,
  { ceiling, onProgress, signal }: Obtain,
  { open, sandboxes, provider }: ContainerImagesOptions,
): Promise<ContainerImage> {
  await demandWithin(image, ceiling);
  const engine = open();
  return obtainContainerImage(image, {
    ...{ images: engine.paths.images, architecture: engine.architecture, onProgress, signal },
    base: await engine.image("default", signal),
    ...(username !== undefined && { credentials: { username, password: password ?? "" } }),
    async withMaker(work) {
      const created = resolveCreateOptions({
        ...{ diskMB: MAKER_DISK_MB, network: false, timeoutMs: MAKER_MS },
      });
      const known = await sandboxes.add(await engine.restore(created, signal), created);
      try {
        return await work(new Sandbox(known.connection(), provider()));
      } finally {
        await sandboxes.kill(known.sandboxId);
      }
    },
  });
}

/** Whoever is bound by a ceiling gets neither this machine's files nor what the ceiling is to keep from them. */
async function demandWithin(image: string, ceiling: NetworkCeiling | undefined): Promise<void> {
  const { registry } = parseReference(image);
  const policy = parseCeiling(ceiling);
  if (policy === undefined) return;
  const reason =
    registry === undefined ? "it is in a file" : await refusal(hostOf(registry), policy);
  if (reason === undefined) return;
  throw new EmberboxError(
    "invalid_argument",
    `the image ${JSON.stringify(image.slice(0, 200))} may not be fetched: ${reason}`,
  );
}

/** As skopeo does it. */
const lookUp = async (name: string): Promise<string[]> =>
  (await lookup(name, { all: true })).map(({ address }) => address);

async function refusal(host: string, policy: Policy): Promise<string | undefined> {
  // A proxy may know a name that this machine does not.
  const verdict = await judgeHost(host, policy, lookUp).catch(() => undefined);
  return verdict?.allowed === false ? verdict.reason : undefined;
}
