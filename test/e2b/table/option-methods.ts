import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { type Method, method, NotInSdk } from "./method.ts";

const TLS_SERVER =
  "cd /tmp && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes " +
  "-keyout key.pem -out cert.pem -subj /CN=inside -days 2 && " +
  "openssl s_server -accept 8443 -key key.pem -cert cert.pem -www";

/** What options of sandboxes do that have no method of their own. */
export const optionMethods: readonly Method[] = [
  method(
    "Sandbox.create({ mcp })",
    async ({ own }) => {
      const sandbox = await own({ mcp: {} });
      const ask = async (token: string) => {
        const header = `Authorization: Bearer ${token}`;
        const url = "http://localhost:50005/mcp";
        const line = `curl -s -o /dev/null -w '%{http_code}' -X DELETE -H '${header}' ${url}`;
        return (await sandbox.commands.run(line)).stdout;
      };
      assert.equal(await ask("wrong"), "401");
      assert.equal(await ask((await sandbox.getMcpToken())!), "400");
    },
    { needs: "mcp" },
  ),
  method("Sandbox.create({ iam })", makeIdentified, { unimplemented: true }),
  method(
    "network.httpsPorts",
    async ({ own, options }) => {
      const sandbox = await own({ network: { httpsPorts: [8443] } });
      if ((await sandbox.getInfo()).network?.httpsPorts === undefined) throw new NotInSdk();
      await sandbox.commands.run(TLS_SERVER, { background: true });
      const headers = { "e2b-sandbox-id": sandbox.sandboxId, "e2b-sandbox-port": "8443" };
      for (let tries = 0; ; tries++) {
        const answer = await fetch(options.apiUrl, { headers });
        if (answer.status === 200) return assert.match(await answer.text(), /s_server/);
        assert(tries < 600, "the server in the sandbox does not answer");
        await delay(100);
      }
    },
    { needs: "tlsEndpoints" },
  ),
  method(
    "network.egressProxy",
    async ({ own }) => {
      const through = (address: string) =>
        own({ network: { egressProxy: { address, username: "me", password: "secret" } } });
      const sandbox = await through("8.8.8.8:1080");
      const { network } = await sandbox.getInfo();
      assert.deepEqual(network?.egressProxy, { address: "8.8.8.8:1080", username: "me" });
      // Nothing goes out by another way.
      await assert.rejects(sandbox.commands.run("curl -sIm 3 https://example.com"));
      await assert.rejects(through("10.0.0.1:1080"), /ceiling/);
    },
    { needs: "egressProxy" },
  ),
];

async function makeIdentified({ sdk, own }: Parameters<Method["run"]>[0]): Promise<void> {
  if (!("iamToken" in sdk.Secret)) throw new NotInSdk();
  await own({
    iam: { tokens: { a: sdk.Secret.iamToken({ audience: "a", tokenType: "JWT-SVID" }) } },
  });
}
