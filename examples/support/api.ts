// Stands in for an internet service, so that the examples run without one: a web server on this machine with a
// certificate for the name, and a name server that knows it.
import { startNameServer } from "../../packages/microvm/src/network/testing/name-server.ts";
import {
  createTestAuthority,
  LOOPBACK,
  startServer,
} from "../../packages/microvm/src/network/testing/servers.ts";

export interface Api {
  readonly url: string;
  /** Not public, so a policy must list it. */
  readonly address: string;
  /** What an engine needs to find the service and trust it. */
  readonly network: { readonly dnsServers: readonly string[]; readonly ca: readonly string[] };
  /** The `Authorization` headers that it received. */
  readonly keys: (string | undefined)[];
  close(): Promise<void>;
}

export async function startApi(host: string): Promise<Api> {
  const names = await startNameServer({ [host]: [[LOOPBACK]] });
  const authority = await createTestAuthority();
  const keys: Api["keys"] = [];
  const server = await startServer(
    (request, response) => {
      keys.push(request.headers.authorization);
      response.end("welcome\n");
    },
    await authority.certify(host),
  );
  return {
    url: `https://${host}:${server.port}/`,
    address: LOOPBACK,
    network: { dnsServers: [names.address], ca: [authority.ca] },
    keys,
    async close() {
      await names[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}
