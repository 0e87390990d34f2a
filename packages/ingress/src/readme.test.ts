import { expect, test } from "vitest";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { createGuarded } from "@emberbox/ingress";

// A server as it may run in a sandbox. It answers with the host that it was asked for.
const inside = createServer((request, response) => response.end(request.headers.host));
await once(inside.listen(0, "127.0.0.1"), "listening");
const { port } = inside.address() as AddressInfo;

// What stands before it: requests need a token, which it does not see, and have their `Host` replaced.
const guarded = createGuarded({
  sandboxId: "i1",
  port,
  open: async () => connect(port, "127.0.0.1"),
  token: "a secret",
  host: `localhost:${port}`,
});
await once(guarded.listen(0, "127.0.0.1"), "listening");
const url = `http://127.0.0.1:${(guarded.address() as AddressInfo).port}/`;

const refused = await fetch(url);
console.log(refused.status);
const answered = await fetch(url, { headers: { "e2b-traffic-access-token": "a secret" } });
const host = await answered.text();
console.log(answered.status, host);

guarded.close();
inside.close();

test("the README's example does what it says", () => {
  expect(refused.status).toBe(403);
  expect([answered.status, host]).toEqual([200, `localhost:${port}`]);
});
