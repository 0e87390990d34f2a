import { createHash, randomBytes } from "node:crypto";
import { request as send, type OutgoingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { buffer } from "node:stream/consumers";
import { Sandbox } from "e2b";
import { beforeAll, expect, test } from "vitest";
import type { EmberboxServer } from "@emberbox/server";
import { Random } from "../support/random.ts";
import { sdkOptions, startServer, type SdkOptions } from "../support/server.ts";

const SEED = Number(process.env["EMBERBOX_FUZZ_SEED"] ?? 20_260_801);
const REQUESTS = 600;

interface Malformed {
  readonly what: string;
  readonly method?: string;
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
  /** What it must be answered with. */
  readonly status: number | readonly number[];
}

let server: EmberboxServer;
let options: SdkOptions;
let canary: Sandbox;
beforeAll(async () => {
  server = await startServer();
  options = sdkOptions(server);
  canary = await Sandbox.create({ ...options, timeoutMs: 1_800_000, metadata: { kept: "yes" } });
  await canary.files.write("/tmp/canary", "alive");
});

test(`${REQUESTS} malformed requests are refused in E2B's words, and change nothing`, async () => {
  const random = new Random(SEED);
  const before = await snapshot();
  const seen = new Map<string, number>();
  for (let index = 0; index < REQUESTS; index++) {
    const malformed = random.pick(kinds)(random);
    const label = `seed ${SEED}, request ${index}: ${malformed.what}: ${malformed.method ?? "GET"} ${malformed.path.slice(0, 200)}`;
    const { status, body } = await answerTo(malformed);
    expect([malformed.status].flat(), `${label}: ${status} ${body}`).toContain(status);
    const parsed = JSON.parse(body) as { code: number; message: string };
    expect(parsed.code, label).toBe(status);
    expect(parsed.message, label).toMatch(/\S/);
    // Neither its own state nor its insides are anybody's business.
    expect(body, label).not.toMatch(/\bat \w+.*:\d+:\d+|node:internal|SQLITE/);
    seen.set(malformed.what, (seen.get(malformed.what) ?? 0) + 1);
  }
  expect(seen.size).toBe(kinds.length);
  expect(await snapshot()).toEqual(before);
});

test("a body that never ends is refused when it is too long", async () => {
  const outcome = await new Promise<{ status: number; sent: number }>((resolve, reject) => {
    let sent = 0;
    const request = send(`${server.url}/v2/sandboxes`, {
      method: "POST",
      headers: { "x-api-key": options.apiKey, "content-type": "application/json" },
    });
    const chunk = Buffer.alloc(64 * 1024, " ");
    const more = (): void => {
      if (request.destroyed || sent > 64 * 1024 * 1024) return;
      sent += chunk.length;
      request.write(chunk, () => setImmediate(more));
    };
    request.once("response", (response) => {
      resolve({ status: response.statusCode!, sent });
      request.destroy();
    });
    request.once("error", reject);
    more();
  });
  expect(outcome.status).toBe(413);
  expect(outcome.sent).toBeLessThan(16 * 1024 * 1024);
});

const noHttp: [what: string, bytes: string, status: number | number[]][] = [
  ["noise", randomBytes(200).toString("latin1") + "\r\n\r\n", 400],
  ["no known version", "GET /health HTTP/9.9\r\n\r\n", 400],
  [
    "two lengths",

    "POST /v2/sandboxes HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{",
    400,
  ],
  [
    "a length and chunks",

    "POST /v2/sandboxes HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    400,
  ],
  ["endless headers", `GET /health HTTP/1.1\r\nHost: x\r\nX: ${"a".repeat(80_000)}\r\n\r\n`, 431],
  [
    "a bad chunk",
    "POST /v2/sandboxes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    [400, 401],
  ],
  [
    "an upgrade to nothing",
    "GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    400,
  ],
];

test.each(noHttp)("what is no HTTP is refused: %s", async (_what, bytes, status) => {
  const answer = await raw(bytes);
  expect(answer).toMatch(/^HTTP\/1\.1 \d{3} /);
  const [head, body] = answer.split("\r\n\r\n", 2) as [string, string];
  const given = Number(head.slice(9, 12));
  expect([status].flat()).toContain(given);
  expect(JSON.parse(body)).toMatchObject({ code: given });
  expect((await fetch(`${server.url}/health`)).status).toBe(200);
});

/** Everything that must stay as it is. */
async function snapshot(): Promise<unknown> {
  const listed = await Sandbox.list(options).nextItems();
  return [listed, await canary.getInfo(), await canary.files.read("/tmp/canary")];
}

const key = (): OutgoingHttpHeaders => ({ "x-api-key": options.apiKey });
const json = (value: unknown): Pick<Malformed, "method" | "body"> => ({
  method: "POST",
  body: JSON.stringify(value),
});
const id = (): string => canary.sandboxId;
const toCanary = (port: number | string = 49983): OutgoingHttpHeaders => ({
  "e2b-sandbox-id": id(),
  "e2b-sandbox-port": String(port),
});
const junk = [null, [], {}, "x", true, -1, 1.5, 1e308, "\u0000", { $ne: 1 }, [[[[]]]]];
const paths = ["/tmp/canary", "/etc/shadow", "../../etc/passwd", "", "/tmp/\u0000", "%2e%2e"];

/** Each kind of malformed request; one of each is made with what the random numbers say. */
const kinds: readonly ((random: Random) => Malformed)[] = [
  (random) => ({
    what: "no key",
    ...json({ templateID: "base" }),
    path: random.pick(["/v2/sandboxes", "/sandboxes", `/sandboxes/${id()}/pause`]),
    status: 401,
  }),
  (random) => ({
    what: "wrong key",
    method: random.pick(["GET", "DELETE"]),
    path: `/sandboxes/${id()}`,
    headers: {
      "x-api-key": random.pick([
        `e2b_${random.bytes(20).toString("hex")}`,
        options.apiKey.slice(0, -1),
        `${options.apiKey}0`,
        "' OR 1=1 --",
        "a".repeat(5000),
      ]),
    },
    status: 401,
  }),
  (random) => ({
    what: "broken JSON",
    method: "POST",
    path: random.pick(["/v2/sandboxes", "/sandboxes", `/sandboxes/${id()}/timeout`]),
    headers: key(),
    body: random.pick([
      "{",
      "[1,",
      "nul",
      '{"a":',
      "\ufeff{}}",
      random.bytes(40),
      '{"a":"\u0001"}',
    ]),
    status: 400,
  }),
  (random) => ({
    what: "a body that is no object",
    ...json(random.pick([[], "x", 1, true, [{}]])),
    path: random.pick([
      "/v2/sandboxes",
      `/v2/sandboxes/${id()}/connect`,
      `/sandboxes/${id()}/timeout`,
    ]),
    headers: key(),
    status: 400,
  }),
  (random) => {
    const field = random.pick([
      ...["metadata", "envVars", "timeout", "allow_internet_access", "autoPause", "network"],
      ...["volumeMounts", "autoResume"],
    ]);
    // Fields that are unknown within these are passed over.
    const isOpen = field === "network" || field === "autoResume";
    const nonsense = ["x", [["a"]], -1.5, [null], ...(isOpen ? [] : [{ a: { b: 1 } }])];
    return {
      what: "create with nonsense",
      ...json({ templateID: "base", [field]: random.pick(nonsense) }),
      path: random.pick(["/v2/sandboxes", "/sandboxes"]),
      headers: key(),
      // Mounts that are well-formed by chance may be more than this server has.
      status: [400, 501],
    };
  },
  (random) => ({
    what: "create without a known template",
    ...json({
      templateID: random.pick([
        undefined,
        "",
        7,
        "no-such",
        "../default",
        "x".repeat(300),
        "a:b:c",
      ]),
    }),
    path: "/v2/sandboxes",
    headers: key(),
    status: [400, 404],
  }),
  (random) => ({
    what: "absurd timeout",
    ...json({ timeout: random.pick([-1, 0.5, 1e12, "60", null, [], Number.MAX_SAFE_INTEGER]) }),
    path: `/sandboxes/${id()}/timeout`,
    headers: key(),
    status: 400,
  }),
  (random) => ({
    what: "absurd refresh",
    ...json({ duration: random.pick([-1, 3601, 1.5, "60"]) }),
    path: `/sandboxes/${id()}/refreshes`,
    headers: key(),
    status: 400,
  }),
  (random) => ({
    what: "unknown sandbox",
    method: random.pick(["GET", "DELETE"]),
    path: `/sandboxes/i${random.bytes(10).toString("hex")}`,
    headers: key(),
    status: 404,
  }),
  (random) => ({
    what: "a name that is no id",
    ...json({ timeout: 60 }),
    path: `/sandboxes/${encodeURIComponent(random.pick(["../x", "A-B", "x y", "%00", "é", "a".repeat(200), "'"]))}/timeout`,
    headers: key(),
    status: 400,
  }),
  (random) => ({
    what: "absurd paging",
    path: `/v2/sandboxes?${random.pick([
      "limit=0",
      "limit=-1",
      "limit=many",
      "limit=1&limit=2",
      `nextToken=${random.bytes(9).toString("base64url")}`,
      `nextToken=${Buffer.from('["a",1]').toString("base64url")}`,
      "order=sideways",
      "state=asleep",
      "startedAfter=yesterday",
      "metadata=%25zz",
      "metadata=novalue",
    ])}`,
    headers: key(),
    status: 400,
  }),
  (random) => ({
    what: "no such route",
    method: random.pick(["GET", "PUT", "PATCH", "DELETE"]),
    path: random.pick([
      "/v1/sandboxes",
      "/sandboxes/a/b/c/d",
      "/admin",
      "/../etc/passwd",
      "//",
      "/v9",
      "/.env",
      `/sandboxes/${id()}/..`,
    ]),
    headers: key(),
    // Some paths end in the name of a sandbox that cannot be.
    status: [400, 404],
  }),
  (random) => ({
    what: "absurd fork",
    ...json({ count: random.pick([0, -1, 101, 1.5, "2"]) }),
    path: `/sandboxes/${id()}/fork`,
    headers: key(),
    status: 400,
  }),
  (random) => ({
    what: "absurd snapshot name",
    ...json({ name: random.pick(["../x", " ", "a b", "x".repeat(200), 7, "a:b:c", "-"]) }),
    path: `/sandboxes/${id()}/snapshots`,
    headers: key(),
    status: 400,
  }),
  (random) => ({
    what: "absurd network",
    method: "PUT",
    path: `/sandboxes/${id()}/network`,
    headers: key(),
    body: JSON.stringify({
      [random.pick(["allowOut", "denyOut", "rules"])]: random.pick(["x", 1, [1], [""], { a: 1 }]),
    }),
    status: [400, 501],
  }),
  (random) => ({
    what: "absurd query for metrics",
    path: `/sandboxes/${id()}/metrics?${random.pick(["start=x", "end=-1", "start=2&end=1", "start=1&start=2"])}`,
    headers: key(),
    status: 400,
  }),
  (random) => ({
    what: "absurd query for events",
    path: `/events/sandboxes?${random.pick(["limit=0", "limit=1&limit=2", "offset=x", "orderAsc=1", "types=x"])}`,
    headers: key(),
    status: 400,
  }),
  (random) => ({
    what: "absurd query for logs",
    path: `/v2/sandboxes/${id()}/logs?${random.pick(["limit=0", "cursor=x", "level=x", "direction=x", "search=a&search=b"])}`,
    headers: key(),
    status: 400,
  }),
  (random) => ({
    what: "absurd webhook",
    method: "POST",
    path: "/events/webhooks",
    headers: key(),
    body: JSON.stringify(random.pick(junk)),
    status: 400,
  }),
  (random) => ({
    what: "traffic without a token",
    ...random.pick<Pick<Malformed, "method" | "path">>([
      { method: "POST", path: "/process.Process/List" },
      { method: "POST", path: "/filesystem.Filesystem/Stat" },
      { path: "/metrics" },
      { path: "/envs" },
      { path: "/files?path=/tmp/canary" },
      { method: "POST", path: "/files?path=/tmp/canary" },
    ]),
    headers: { ...toCanary(), "x-access-token": random.pick(["", "wrong", "a".repeat(64)]) },
    status: 401,
  }),
  (random) => ({
    what: "traffic to an internal route",
    method: random.pick(["GET", "POST"]),
    path: random.pick(["/init", "/freeze", "/upgrade", "//init", "/%69nit", "/INIT", "/init/x"]),
    headers: toCanary(),
    status: 404,
  }),
  (random) => ({
    what: "traffic to no port",
    path: "/",
    headers: toCanary(random.pick(["0", "65536", "x", "-1", "1e3", "", "49983,3000"])),
    status: 400,
  }),
  (random) => ({
    what: "traffic to nobody",
    path: "/",
    headers: random.pick<OutgoingHttpHeaders>([
      { "e2b-sandbox-id": "inobody", "e2b-sandbox-port": "3000" },
      { host: "3000-inobody.localhost" },
    ]),
    status: 502,
  }),
  (random) => ({
    what: "traffic to a name that is no id",
    path: "/",
    headers: {
      "e2b-sandbox-id": random.pick(["../x", "A", "a b", "x".repeat(100), "a-b-c"]),
      "e2b-sandbox-port": "3000",
    },
    status: 400,
  }),
  (random) => ({
    what: "traffic to a closed port",
    path: `/${random.pick(["", "x", "health"])}`,
    headers: toCanary(random.between(20_000, 30_000)),
    status: 502,
  }),
  (random) => ({
    what: "forged signature",
    method: random.pick(["GET", "POST"]),
    path: `/files?path=${encodeURIComponent(random.pick(paths))}&signature=${random.pick(["v1_", "", `v1_${random.bytes(32).toString("base64url")}`, "v2_x"])}`,
    headers: random.pick([{}, toCanary()]),
    status: 401,
  }),
  (random) => {
    const past = String(random.between(0, 1_700_000_000));
    return {
      what: "expired signature",
      path: signed("/tmp/canary", "read", past, past),
      headers: random.pick([{}, toCanary()]),
      status: 401,
    };
  },
  (random) => ({
    what: "signature for something else",
    method: random.pick(["POST"]),
    path: random.pick([
      signed("/tmp/canary", "read"),
      signed("/tmp/canary", "read").replace("canary", "other"),
      signed("/tmp/canary", "write").replace("canary", "other"),
      signed("/tmp/canary", "write", "99999999999", "99999999998"),
    ]),
    headers: random.pick([{}, toCanary()]),
    status: 401,
  }),
  (random) => ({
    what: "what this server does not have",
    method: "POST",
    path: random.pick(["/templates", "/v2/templates"]),
    headers: key(),
    body: JSON.stringify(random.pick(junk)),
    status: 501,
  }),
];

/** A signed URL of the canary's; `told` is the end that the URL claims. */
function signed(path: string, operation: string, expiration?: string, told = expiration): string {
  const token = (canary as unknown as { envdAccessToken: string }).envdAccessToken;
  const parts = [path, operation, "", token, ...(expiration === undefined ? [] : [expiration])];
  const hash = createHash("sha256").update(parts.join(":")).digest("base64").replace(/=+$/, "");
  const end = told === undefined ? "" : `&signature_expiration=${told}`;
  return `/files?path=${path}&signature=${encodeURIComponent(`v1_${hash}`)}${end}`;
}

function answerTo({
  method = "GET",
  path,
  headers,
  body,
}: Malformed): Promise<{ status: number; body: string }> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const request = send({ hostname, port, path, method, headers, timeout: 10_000 });
    request.once("timeout", () => request.destroy(new Error(`no answer to ${method} ${path}`)));
    request.once("error", reject);
    request.once("response", async (response) => {
      resolve({ status: response.statusCode!, body: String(await buffer(response)) });
    });
    request.end(body);
  });
}

/** What comes back for bytes that need not be HTTP. */
function raw(bytes: string): Promise<string> {
  const socket = connect(server.port, "127.0.0.1");
  socket.end(Buffer.from(bytes, "latin1"));
  return buffer(socket).then(String);
}
