import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createListener } from "./listener.ts";
import type { Proxy } from "./proxy/proxy.ts";
import { type Certificate, ownCertificate } from "./tls.ts";

/** What E2B's Python SDK keeps a connection for that it does not use, in seconds. */
const LONGEST_POOL = 300;

async function listen(certificate?: Certificate): Promise<number> {
  const { server, drop } = createListener(
    (_request, response) => void response.end("answered"),
    { claims: () => false } as unknown as Proxy,
    { certificate, maxConnections: 10 },
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    drop();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const kept = (header: unknown): number => Number(/timeout=(\d+)/.exec(String(header))?.[1]);

test("an idle connection is kept for longer than clients keep theirs", async () => {
  const { headers } = await fetch(`http://127.0.0.1:${await listen()}/`);
  expect(kept(headers.get("keep-alive"))).toBeGreaterThan(LONGEST_POOL);
});

test("and one with TLS", async () => {
  const directory = mkdtempSync(join(tmpdir(), "emberbox-listener-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const certificate = ownCertificate(directory, "sbx.localhost", "127.0.0.1");
  const port = await listen(certificate);
  const request = get({ host: "127.0.0.1", port, ca: certificate.authority });
  const [{ headers }] = (await once(request, "response")) as [IncomingMessage];
  expect(kept(headers["keep-alive"])).toBeGreaterThan(LONGEST_POOL);
  request.destroy();
});
