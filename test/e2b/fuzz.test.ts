import { afterAll, beforeAll, expect, test } from "vitest";
import { Random } from "../support/random.ts";
import { serve, type ServedSandbox } from "./support/sandbox.ts";
import { call, envelope } from "./support/wire.ts";

let served: ServedSandbox;
beforeAll(async () => {
  served = await serve();
});
afterAll(() => served[Symbol.asyncDispose]());

const methods = [
  ...[
    "Start",
    "Connect",
    "List",
    "Update",
    "SendInput",
    "StreamInput",
    "SendSignal",
    "CloseStdin",
  ].map((name) => `/process.Process/${name}`),
  ...[
    "Stat",
    "MakeDir",
    "Move",
    "ListDir",
    "Remove",
    "WatchDir",
    "CreateWatcher",
    "GetWatcherEvents",
    "RemoveWatcher",
  ].map((name) => `/filesystem.Filesystem/${name}`),
  "/process.Process/toString",
  "/filesystem.Filesystem/__proto__",
  "/files?path=/tmp/fuzz",
  "/files",
  "/execute",
  "/contexts",
  "/contexts/x",
  "/contexts/%ff/restart",
  "/init",
  "/%00",
];
const junk = [
  null,
  true,
  -1,
  1e308,
  "",
  "\0",
  "/fuzz/\u0000",
  "~someone/x",
  "x".repeat(5000),
  [],
  [[[]]],
  {},
  { __proto__: null },
  { pid: -1 },
  { pid: 2 ** 40 },
  { tag: {} },
  { size: { cols: -1, rows: 1e9 } },
  { cmd: "\0", args: [1], envs: { "=": 1 } },
  { cmd: "/nowhere/at-all", args: ["x".repeat(200_000)] },
  { stdin: "%%%" },
];
const fields = [
  "process",
  "path",
  "source",
  "destination",
  "depth",
  "pty",
  "input",
  "signal",
  "tag",
  "stdin",
  "watcherId",
  "code",
  "language",
  "context_id",
  "cwd",
  "env_vars",
  "timeout_ms",
];
const types = [
  "application/json",
  "application/connect+json",
  "application/proto",
  "multipart/form-data; boundary=b",
  "application/octet-stream",
  "",
];

test(
  "no malformed request harms the sandbox: each is answered, and it works as before",
  { timeout: 600_000 },
  async () => {
    const random = new Random(20_260_101);
    const below = (limit: number): number => random.between(0, limit - 1);
    const statuses = new Map<number, number>();
    for (let count = 0; count < 400; count++) {
      const path = random.pick(methods);
      const message = Object.fromEntries(
        Array.from({ length: below(4) }, () => [random.pick(fields), random.pick(junk)]),
      );
      const whole =
        below(2) === 0
          ? envelope(message, random.pick([0, 0, 1, 2, 255]))
          : Buffer.from(JSON.stringify(message));
      const cut = below(4) === 0 ? whole.subarray(0, below(whole.length + 1)) : whole;
      const body =
        below(6) === 0 ? Buffer.concat([cut, Buffer.from("\r\n--b--\xff\r\n", "latin1")]) : cut;
      const headers: Record<string, string> = {
        "Content-Type": random.pick(types),
        "E2b-Sandbox-Port":
          path.startsWith("/execute") || path.startsWith("/contexts") ? "49999" : "49983",
        "Connect-Timeout-Ms": random.pick(["500", "500", "-1", "x", "99999999999999"]),
        Authorization: random.pick([
          "Basic cm9vdDo=",
          "Basic cm9vdDo=",
          "Basic ???",
          "Basic ",
          "Bearer x",
        ]),
        ...(below(5) === 0 && { "Content-Encoding": random.pick(["gzip", "br"]) }),
        ...(below(8) === 0 && {
          Range: "bytes=9-1,x",
          "If-Match": "\\",
          "Accept-Encoding": ";;q=,",
        }),
        ...(below(8) === 0 && { "X-Metadata-\u0021": "x" }),
      };
      const what = `${count}: ${path} ${JSON.stringify(headers)} ${body.toString("latin1", 0, 200)}`;
      const method = random.pick(["POST", "POST", "POST", "GET", "PUT", "DELETE"]);
      const answer = await call(served, path, {
        method,
        headers,
        ...(method !== "GET" && below(10) > 0 && { body }),
        signal: AbortSignal.timeout(30_000),
      }).catch((error: unknown) => {
        throw new Error(`no answer to ${what}`, { cause: error });
      });
      await answer.body?.cancel();
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      expect(answer.status, what).toBeLessThan(600);
      expect(answer.status, what).not.toBe(500);
    }
    expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 400, 404, 405, 415]));
    expect((await served.ours.commands.run("echo still; id -un")).stdout).toBe("still\nuser\n");
    expect((await served.ours.runCode("6 * 7")).text).toBe("42");
    expect(await served.ours.files.exists("/home/user")).toBe(true);
    for (const { pid } of await served.ours.commands.list()) await served.ours.commands.kill(pid);
    await expect.poll(() => served.ours.commands.list()).toEqual([]);
  },
);
