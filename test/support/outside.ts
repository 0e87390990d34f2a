// A test network without the internet: servers on this machine's loopback, which policies name, and a name server.
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

export {
  findPypi,
  findRegistry,
  registryEnvs,
} from "../../packages/microvm/src/network/testing/registry.ts";

export { startProxy } from "../../packages/microvm/src/network/testing/socks.ts";

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
