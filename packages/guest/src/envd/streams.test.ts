import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { encodeEnvelope } from "./connect.ts";
import { createEnvdHandler } from "./index.ts";

it("a stream answers before what takes its time is done", async () => {
  const path = mkdtempSync(join(tmpdir(), "streams-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  for (let count = 0; count < 200; count++) mkdirSync(join(path, String(count)));
  const context = { envs: {}, defaultUser: userInfo().username, log: () => undefined };
  const server = createServer(createEnvdHandler(context)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  onTestFinished(() => {
    client.destroy();
    server.close();
  });
  const body = encodeEnvelope(0, { path, recursive: true });
  client.write(
    `POST /filesystem.Filesystem/WatchDir HTTP/1.1\r\nHost: a\r\nContent-Type: application/connect+json\r\nContent-Length: ${body.length}\r\n\r\n`,
  );
  client.write(body);
  const [first] = (await once(client, "data")) as [Buffer];
  expect(String(first)).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/);
  const [second] = (await once(client, "data")) as [Buffer];
  expect(String(second)).toContain('{"start":{}}');
});
