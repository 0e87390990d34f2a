import { lookup } from "node:dns/promises";
import type { EmberboxServer } from "@emberbox/server";

type Served = Pick<EmberboxServer, "url" | "domain" | "apiKey" | "certificateFile" | "trustFile">;

/** The variables by which E2B's SDKs, in JavaScript and Python, find a server, and trust it. */
export function environmentOf(server: Served): [name: string, value: string][] {
  const { url, domain, apiKey, certificateFile, trustFile } = server;
  const isTls = url.startsWith("https:");
  // A certificate that was given is for the domain, and need not be for the address.
  const isByName = isTls && certificateFile === undefined;
  const variables: Record<string, string | undefined> = {
    E2B_API_URL: isByName ? undefined : url,
    E2B_SANDBOX_URL: isByName ? undefined : url,
    E2B_DOMAIN: isTls ? domain : undefined,
    E2B_API_KEY: apiKey,
    NODE_EXTRA_CA_CERTS: certificateFile,
    SSL_CERT_FILE: trustFile,
  };
  return Object.entries(variables).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as [string, string]],
  );
}

/**
 * What to do where the names of a server's sandboxes are not found on this machine; `undefined` where they are. SDKs
 * need them that do not heed `E2B_SANDBOX_URL` for code, and so does `getHost`.
 */
export async function adviceOnNames(domain: string): Promise<string | undefined> {
  const host = domain.split(":", 1)[0]!;
  try {
    await lookup(`49999-any.${host}`);
    return undefined;
  } catch {
    const remedy = host.endsWith("localhost")
      ? "`apt-get install libnss-myhostname` (or systemd-resolved) makes them lead to this machine"
      : `give *.${host} an address in DNS`;
    return `names below ${host} are not found here: ${remedy}`;
  }
}
