import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { inspect } from "node:util";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { SandboxProvider } from "../provider.ts";
import { e2b } from "./provider.ts";

type Answer = readonly [status: number, body?: unknown, headers?: Record<string, string>];
interface Seen {
  readonly line: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}

const apiKey = `e2b_${"7".repeat(40)}`;
const sandbox = { sandboxID: "isome", envdAccessToken: "token", domain: null };

/** A service that gives these answers in turn, the last one for ever. */
async function service(...answers: Answer[]): Promise<{ provider: SandboxProvider; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const line = `${request.method} ${request.url}`;
    seen.push({ line, headers: request.headers, body: body === "" ? undefined : JSON.parse(body) });
    const [status, answer, headers] = (answers.length > 1 ? answers.shift() : answers[0])!;
    response.writeHead(status, headers);
    response.end(typeof answer === "string" ? answer : answer && JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = e2b({ apiKey, apiUrl });
  onTestFinished(async () => {
    await provider[Symbol.asyncDispose]();
    server.close();
  });
  return { provider, seen };
}

const missing: Answer = [404, "404 page not found"];
const noSandbox: Answer = [404, { code: 404, message: "no such sandbox" }];

describe("the two generations of the protocol", () => {
  test("a service that has the new one is asked by it", async () => {
    const { provider, seen } = await service([201, sandbox]);
    await provider.create({ envs: { A: "1" }, timeoutMs: 1500 });
    expect(seen).toMatchObject([
      {
        line: "POST /v2/sandboxes",
        headers: { "x-api-key": apiKey },
        body: { templateID: "code-interpreter-v1", timeout: 2, envVars: { A: "1" } },
      },
    ]);
  });

  test("one that has not is asked by the old one, and from then on at once", async () => {
    const { provider, seen } = await service(missing, [201, sandbox], [200, sandbox]);
    await provider.create({});
    await provider.connect("isome", { timeoutMs: 60_000 });
    expect(seen.map(({ line }) => line)).toEqual([
      "POST /v2/sandboxes",
      "POST /sandboxes",
      "POST /sandboxes/isome/connect",
    ]);
    expect(seen.at(-1)!.body).toEqual({ timeout: 60 });
  });

  test("a sandbox that is missing does not decide it", async () => {
    const { provider, seen } = await service(noSandbox, noSandbox, [201, sandbox]);
    await expect(provider.connect("inone")).rejects.toMatchObject({ code: "sandbox_not_found" });
    await provider.create({});
    expect(seen.at(-1)!.line).toBe("POST /v2/sandboxes");
  });
});

test("what becomes of a sandbox at the end of its time is said in the protocol's words", async () => {
  const { provider, seen } = await service([201, sandbox]);
  await provider.create({ lifecycle: { onTimeout: "kill" } });
  await provider.create({ lifecycle: { onTimeout: "pause", autoResume: true } });
  await provider.create({ lifecycle: { onTimeout: "pause", keepMemory: false } });
  const said = seen.map(({ body }) => {
    const { autoPause, autoPauseMemory, autoResume } = body as Record<string, unknown>;
    return { autoPause, autoPauseMemory, autoResume };
  });
  expect(said).toEqual([
    {},
    { autoPause: true, autoResume: { enabled: true } },
    { autoPause: true, autoPauseMemory: false, autoResume: { enabled: false } },
  ]);
});

test("MCP servers are passed on, to the template that has a gateway to them", async () => {
  const { provider, seen } = await service([201, sandbox]);
  await provider.create({ mcp: { exa: { apiKey: "x" } } });
  await provider.create({ mcp: { exa: { apiKey: "x" } }, template: "mine" });
  expect(seen.map(({ body }) => body)).toMatchObject([
    { templateID: "mcp-gateway", mcp: { exa: { apiKey: "x" } } },
    { templateID: "mine", mcp: { exa: { apiKey: "x" } } },
  ]);
});

describe("trying again", () => {
  const busy: Answer = [429, { code: 429, message: "slow down" }, { "retry-after": "0" }];

  test("a service that says when to come back is believed", async () => {
    const { provider, seen } = await service(busy, busy, [201, sandbox]);
    await provider.create({});
    expect(seen).toHaveLength(3);
  });

  test("not for ever, and the caller learns when", async () => {
    const { provider, seen } = await service(busy);
    await expect(provider.create({})).rejects.toMatchObject({
      code: "rate_limited",
      message: "slow down",
      details: { status: 429, retryAfterSeconds: 0 },
    });
    expect(seen).toHaveLength(4);
  });

  test("a failure is final where it may have done something, and not where it cannot", async () => {
    const { provider, seen } = await service([503, { code: 503, message: "busy" }], [200, []]);
    await expect(provider.create({})).rejects.toMatchObject({ code: "rate_limited" });
    expect(seen).toHaveLength(1);
    const { provider: other, seen: reads } = await service([503], [200, []]);
    expect(await other.list()).toEqual([]);
    expect(reads).toHaveLength(2);
  });

  test("a service that nobody reaches is named, and how to change that", async () => {
    const provider = e2b({ apiKey, apiUrl: "http://127.0.0.1:1", retries: 1 });
    await expect(provider.create({})).rejects.toMatchObject({
      code: "connection_failed",
      hint: expect.stringContaining("E2B_API_URL"),
    });
  });

  test("an aborted call ends with the signal's reason", async () => {
    const { provider } = await service([429, undefined, { "retry-after": "50" }]);
    const reason = new Error("enough");
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 100);
    await expect(provider.create({ signal: controller.signal })).rejects.toBe(reason);
  });
});

test.each([
  [400, "invalid_argument"],
  [401, "unauthorized"],
  [409, "sandbox_paused"],
  [500, "service_failed"],
  [501, "unsupported"],
] as const)("status %i is %s", async (status, code) => {
  const { provider } = await service([status, { code: status, message: "the reason" }]);
  await expect(provider.fork!("isome")).rejects.toMatchObject({ code, message: "the reason" });
});

test("what is missing is what was asked for", async () => {
  const { provider } = await service(noSandbox);
  await expect(provider.create({ template: "x" })).rejects.toMatchObject({
    code: "unknown_template",
  });
  await expect(provider.getInfo("x")).rejects.toMatchObject({ code: "sandbox_not_found" });
  expect(await provider.kill("x")).toBe(false);
  expect(await provider.deleteSnapshot!("x:y")).toBe(false);
});

test.each([
  ["not JSON", "<html>"],
  ["without an id", {}],
  ["with an id that is part of no host name", { sandboxID: "a.evil.example/" }],
])("an answer %s is refused", async (_what, body) => {
  const { provider } = await service([201, body as never]);
  await expect(provider.create({})).rejects.toMatchObject({ code: "protocol_error" });
});

function info(id: string): object {
  return {
    sandboxID: id,
    templateID: "t",
    startedAt: "2026-01-02T03:04:05Z",
    endAt: "2026-01-02T03:09:05.5+00:00",
    cpuCount: 2,
    memoryMB: 512,
  };
}

test("a listing is read to its end", async () => {
  const { provider, seen } = await service(
    [200, [info("ione")], { "x-next-token": "more" }],
    [200, [info("itwo")]],
  );
  expect((await provider.list()).map(({ sandboxId }) => sandboxId)).toEqual(["ione", "itwo"]);
  expect(seen[1]!.line).toContain("nextToken=more");
});

describe("where it is", () => {
  afterEach(() => void vi.unstubAllEnvs());

  test("the environment says as for E2B's SDKs", async () => {
    vi.stubEnv("E2B_API_KEY", "e2b_00");
    vi.stubEnv("E2B_DOMAIN", "sbx.example:8443");
    vi.stubEnv("E2B_API_URL", "");
    vi.stubEnv("E2B_SANDBOX_URL", "");
    const { seen, provider } = await service([201, { ...sandbox, trafficAccessToken: "traffic" }]);
    const connection = await provider.create({});
    expect(seen[0]!.headers["x-api-key"]).toBe(apiKey);
    expect(connection.endpoint(49983)).toMatchObject({
      origin: "https://49983-isome.sbx.example:8443",
      headers: {
        "e2b-sandbox-id": "isome",
        "e2b-sandbox-port": "49983",
        "x-access-token": "token",
        "e2b-traffic-access-token": "traffic",
      },
    });
    // What runs in a sandbox must not get the key to it.
    expect(connection.endpoint(8000).headers).not.toHaveProperty("x-access-token");
  });

  test("options go before it, and nonsense is refused", () => {
    vi.stubEnv("E2B_API_KEY", "");
    expect(() => e2b()).toThrow(expect.objectContaining({ code: "unauthorized" }));
    expect(() => e2b({ apiKey, apiUrl: "localhost:3000" })).toThrow("an http or https URL");
    expect(() => e2b({ apiKey, apiurl: "x" } as never)).toThrow("Unknown option `apiurl`");
  });
});

test("sizes belong to templates there", async () => {
  const { provider } = await service([201, sandbox]);
  await expect(provider.create({ memoryMB: 2048 })).rejects.toMatchObject({ code: "unsupported" });
});

test("neither the provider nor its errors show the key", async () => {
  const { provider } = await service([500, { message: "no" }]);
  const error = await provider.create({}).catch((thrown: unknown) => thrown);
  expect(inspect([provider, error], { depth: Infinity, showHidden: true })).not.toContain(apiKey);
});

test("all connections to a sandbox hear of its end, and a later one of the next", async () => {
  const { provider } = await service(
    [201, sandbox],
    [200, sandbox],
    [204, undefined],
    [200, sandbox],
  );
  const [first, second] = [await provider.create({}), await provider.connect("isome")];
  expect(first.ended?.aborted).toBe(false);
  await provider.kill("isome");
  for (const { ended } of [first, second])
    expect(ended?.reason).toMatchObject({ code: "sandbox_closed" });
  expect((await provider.connect("isome")).ended?.aborted).toBe(false);
});
