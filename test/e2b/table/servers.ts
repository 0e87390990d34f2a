import { readFileSync } from "node:fs";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import type { EmberboxServer, ServeOptions } from "@emberbox/server";
import { setGlobalDispatcher } from "undici";
import { resolveLocalhost, sdkOptions, type SdkOptions } from "../../support/endpoints.ts";
import type { Way } from "./versions.ts";

/** A server for each way in which an SDK finds sandboxes, and what points SDKs at it. */
export async function openServers(
  open: (options: Partial<ServeOptions>) => Promise<EmberboxServer>,
): Promise<Record<Way, SdkOptions>> {
  const plain = await open({});
  const named = await open({ tls: "self-signed" });
  const own = readFileSync(named.certificateFile!, "utf8");
  // What NODE_EXTRA_CA_CERTS and a wildcard in DNS do.
  setDefaultCACertificates([...getCACertificates("default"), own]);
  setGlobalDispatcher(resolveLocalhost());
  const url = `https://localhost:${named.port}`;
  return {
    url: sdkOptions(plain),
    "host names": { apiUrl: url, sandboxUrl: url, apiKey: named.apiKey },
  };
}
