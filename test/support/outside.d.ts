import type { SandboxProvider } from "@emberbox/core/provider";
import { type NameServer } from "../../packages/microvm/src/network/testing/name-server.ts";
import { type TestAuthority } from "../../packages/microvm/src/network/testing/servers.ts";
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
export declare function startTestNetwork(hosts: readonly string[]): Promise<TestNetwork>;
/** The npm registry that this machine uses: the real outside. */
export interface Registry {
  readonly url: string;
  /** What a policy must name to reach it: its host, and its address where that is not of the public internet. */
  readonly allowOut: readonly string[];
  /** Authorities that this machine trusts and a sandbox does not know. */
  readonly ca: string;
}
export declare function findRegistry(): Promise<Registry>;
/** Variables with which npm in a sandbox uses that registry. */
export declare function registryEnvs({ url, ca }: Registry): Record<string, string>;
