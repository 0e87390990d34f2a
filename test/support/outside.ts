// A test network without the internet: servers on this machine's loopback, which policies name, and a name server.
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { lookup } from "node:dns/promises";
import { existsSync, readFileSync } from "node:fs";
import { rootCertificates } from "node:tls";
import { microvm } from "@emberbox/microvm";
import type { SandboxProvider } from "@emberbox/core/provider";
import {
  type NameServer,
  startNameServer,
} from "../../packages/microvm/src/network/testing/name-server.ts";
import {
  createTestAuthority,
  LOOPBACK,
  type TestAuthority,
} from "../../packages/microvm/src/network/testing/servers.ts";

export {
  LOOPBACK,
  startServer,
  type TestServer,
} from "../../packages/microvm/src/network/testing/servers.ts";

export interface TestNetwork extends AsyncDisposable {
  readonly provider: SandboxProvider;
  readonly names: NameServer;
  readonly authority: TestAuthority;
}

export async function startTestNetwork(hosts: readonly string[]): Promise<TestNetwork> {
  const names = await startNameServer(
    Object.fromEntries(hosts.map((host) => [host, [[LOOPBACK]]])),
  );
  const authority = await createTestAuthority();
  const provider = microvm({ network: { dnsServers: [names.address], ca: [authority.ca] } });
  return {
    provider,
    names,
    authority,
    async [Symbol.asyncDispose]() {
      await provider[Symbol.asyncDispose]();
      await names[Symbol.asyncDispose]();
    },
  };
}

/** The npm registry that this machine uses: the real outside. */
export interface Registry {
  readonly url: string;
  /** What a policy must name to reach it: its host, and its address where that is not of the public internet. */
  readonly allowOut: readonly string[];
  /** Authorities that this machine trusts and a sandbox does not know. */
  readonly ca: string;
}

export async function findRegistry(): Promise<Registry> {
  const text = execFileSync("npm", ["config", "get", "registry"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const url = text.trim();
  const { hostname } = new URL(url);
  const file = process.env["NODE_EXTRA_CA_CERTS"];
  return {
    url,
    allowOut: [hostname, (await lookup(hostname, 4)).address],
    ca: file !== undefined && existsSync(file) ? unusualOf(readFileSync(file, "utf8")) : "",
  };
}

/** Without the authorities that everybody knows: a program that is given many takes long to begin. */
function unusualOf(pem: string): string {
  const usual = new Set(rootCertificates.map((each) => new X509Certificate(each).fingerprint256));
  const all = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return all.filter((each) => !usual.has(new X509Certificate(each).fingerprint256)).join("\n");
}
