import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeEnvelope, type Json } from "./connect.ts";
import { createEnvdHandler } from "./index.ts";

let server: Server;
let base: string;
let directory: string;
beforeAll(async () => {
  const { username } = userInfo();
  const context = { envs: {}, defaultUser: username, log: () => {} };
  server = createServer(createEnvdHandler(context));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  directory = mkdtempSync(join(tmpdir(), "services-"));
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(directory, { recursive: true });
});

async function unary(method: string, message: object): Promise<Response> {
  return fetch(`${base}/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(message),
  });
}

interface Event {
  readonly start?: { readonly pid: number };
  readonly data?: { readonly stdout?: string; readonly pty?: string };
  readonly end?: { readonly exitCode: number };
}

/** Starts a process; its events, and an error if that is how it ends. */
async function* start(message: object): AsyncGenerator<Event & { readonly error?: Json }> {
  const response = await fetch(`${base}/process.Process/Start`, {
    method: "POST",
    headers: { "content-type": "application/connect+json" },
    body: encodeEnvelope(0, message),
  });
  let waiting = Buffer.alloc(0);
  for await (const chunk of response.body!) {
    waiting = Buffer.concat([waiting, chunk]);
    while (waiting.length >= 5 && waiting.length >= 5 + waiting.readUInt32BE(1)) {
      const size = 5 + waiting.readUInt32BE(1);
      const { event, error } = JSON.parse(waiting.toString("utf8", 5, size)) as Json;
      waiting = waiting.subarray(size);
      yield { ...(event as Event), ...(error !== undefined && { error: error as Json }) };
    }
  }
}

const shell = (line: string, envs: Record<string, string> = {}): object => ({
  process: { cmd: "/bin/bash", args: ["-c", line], envs },
});

/** What a process prints, and its exit code or its error. */
async function outcome(message: object): Promise<{ printed: string; end: unknown }> {
  let [printed, end]: [string, unknown] = ["", undefined];
  for await (const event of start(message)) {
    const data = event.data?.stdout ?? event.data?.pty;
    if (data !== undefined) printed += Buffer.from(data, "base64");
    end ??= event.error ?? event.end?.exitCode;
  }
  return { printed, end };
}

function typed(pid: number, bytes: Buffer): Promise<Response> {
  const input = { pty: bytes.toString("base64") };
  return unary("process.Process/SendInput", { process: { pid }, input });
}

async function language(envs: Record<string, string>): Promise<string> {
  return (await outcome(shell('echo "$LANG $SHELL"', envs))).printed;
}

describe("a terminal", () => {
  const size = { cols: 80, rows: 24 };
  const lines = Buffer.from(`${"x".repeat(79)}\n`.repeat(3000));
  const onTerminal = (line: string): object => ({ ...shell(line), pty: { size } });

  it("whose program does not read what is pasted holds up nothing else", async () => {
    const running = start(onTerminal("echo ready; exec sleep 15"));
    const { start: started } = (await running.next()).value as Event;
    await running.next();
    const pasting = typed(started!.pid, lines);
    expect((await fetch(`${base}/health`)).status).toBe(204);
    expect((await outcome(shell("echo still here"))).printed).toBe("still here\n");
    await unary("process.Process/SendSignal", {
      process: { pid: started!.pid },
      signal: "SIGNAL_SIGKILL",
    });
    expect((await pasting).ok).toBe(false);
    await running.return(undefined);
  });

  it("whose program reads gets all that is pasted", async () => {
    const running = start(onTerminal("stty -echo; echo ready; head -n 3000 | sha256sum"));
    const { start: started } = (await running.next()).value as Event;
    await running.next();
    expect((await typed(started!.pid, lines)).ok).toBe(true);
    let printed = "";
    for await (const { data } of running)
      if (data?.pty !== undefined) printed += Buffer.from(data.pty, "base64");
    expect(printed).toContain("732b39ce4327d54c2897d1d99b08a8437bcaa57a0387ea2598dddf7fa9f8df48");
  });

  it("may be opened by its name, and of a size that is not known", async () => {
    const unsized = { ...shell("stty size; echo named > /dev/stderr"), pty: { size: {} } };
    expect(await outcome(unsized)).toEqual({ printed: "0 0\r\nnamed\r\n", end: 0 });
  });
});

describe("a process", () => {
  it("is given a command line of any length by a shell", async () => {
    const line = `: '${"é".repeat(200_000)}'; echo "$0 $#"; exit 3`;
    expect(await outcome(shell(line))).toEqual({ printed: "/bin/bash 0\n", end: 3 });
    const onTerminal = { ...shell(line), pty: { size: { cols: 80, rows: 24 } } };
    expect(await outcome(onTerminal)).toEqual({ printed: "/bin/bash 0\r\n", end: 3 });
  });

  it.each([
    ["an argument", { process: { cmd: "/bin/echo", args: ["x".repeat(131_072)] } }],
    ["a variable", shell("true", { LONG: "x".repeat(131_072) })],
    ["all together", { process: { cmd: "/bin/echo", args: Array(20).fill("x".repeat(131_000)) } }],
  ])("is refused in words when too long: %s", async (_what, message) => {
    expect((await outcome(message)).end).toMatchObject({
      code: "invalid_argument",
      message: expect.stringMatching(/KiB|MiB/),
    });
  });

  it("has a language and a shell, and what it is asked to have", async () => {
    expect(await language({})).toMatch(/^C\.UTF-8 \/\S+\n$/);
    expect(await language({ LANG: "de_DE.UTF-8" })).toMatch(/^de_DE\.UTF-8 /);
  });

  it("is not told that input was taken which is not base64", async () => {
    const running = start({ ...shell("cat"), stdin: true });
    const { start: started } = (await running.next()).value as Event;
    const answer = await unary("process.Process/SendInput", {
      process: { pid: started!.pid },
      input: { stdin: "no base64!" },
    });
    expect(await answer.json()).toMatchObject({ code: "invalid_argument" });
    await unary("process.Process/CloseStdin", { process: { pid: started!.pid } });
    await running.return(undefined);
  });
});

describe("an upload", () => {
  const boundary = "between";
  const part = (disposition: string, text: string): string =>
    `--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n${text}\r\n`;
  const upload = (query: string, parts: string): Promise<Response> =>
    fetch(`${base}/files${query}`, {
      method: "POST",
      headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
      body: `${parts}--${boundary}--\r\n`,
    });

  it("stores a part without a file name at the request's path", async () => {
    const path = join(directory, "nameless");
    const answer = await upload(`?path=${path}`, part('name="file"', "text"));
    expect([answer.status, await answer.json()]).toMatchObject([200, [{ path }]]);
    expect(readFileSync(path, "utf8")).toBe("text");
  });

  it.each([
    ["has neither a path nor a file name", "", part('name="file"', "text")],
    ["has a file by another name", "?path=", part('name="data"; filename="x"', "text")],
    ["has only a value by another name", "?path=", part('name="data"', "text")],
  ])("is refused when it %s", async (_what, query, parts) => {
    const path = join(directory, "refused");
    const answer = await upload(query && query + path, parts);
    expect([answer.status, await answer.json()]).toMatchObject([400, { code: 400 }]);
    expect(existsSync(path)).toBe(false);
  });
});

const sendFiles = (what: "read" | "write", body: string | Buffer<ArrayBuffer>): Promise<Response> =>
  fetch(`${base}/emberbox/files/${what}`, { method: "POST", body });
const file = (path: string, content: string, length: number = content.length): Buffer => {
  const header = Buffer.alloc(6);
  header.writeUInt16BE(path.length);
  header.writeUInt32BE(length, 2);
  return Buffer.concat([header, Buffer.from(path + content)]);
};
const inside = (name: string): string => join(directory, "many", name);

describe("many files", () => {
  it("are written and read in one request each", async () => {
    const texts = ["", "short", "x".repeat(200_000), "y".repeat(200_000), "z".repeat(300_000)];
    const paths = texts.map((_, index) => inside(String(index)));
    for (const text of ["before".repeat(10), ""]) {
      const bodies = texts.map((one, index) => file(paths[index]!, one + text));
      const answer = await sendFiles("write", Buffer.concat(bodies));
      expect(((await answer.json()) as Json[]).map(({ path }) => path)).toEqual(paths);
    }
    expect(paths.map((path) => readFileSync(path, "utf8"))).toEqual(texts);
    const answer = await sendFiles("read", JSON.stringify({ paths: [...paths, inside("no")] }));
    let rest = Buffer.from(await answer.arrayBuffer());
    const read: [kind: number, content: string][] = [];
    while (rest.length > 0) {
      const end = 5 + rest.readUInt32BE(1);
      read.push([rest[0]!, rest.toString("utf8", 5, end)]);
      rest = rest.subarray(end);
    }
    const large: [number, string] = [1, ""];
    const error = { code: 404, message: `path '${inside("no")}' does not exist` };
    expect(read.slice(0, 5)).toEqual([...texts.slice(0, 4).map((text) => [0, text]), large]);
    expect([read[5]![0], JSON.parse(read[5]![1])]).toEqual([2, error]);
  });

  it.each([
    ["twice to one path", () => [file(inside("new"), "a"), file(inside("new"), "b")], 400],
    ["without an end", () => [file(inside("new"), "a"), file(inside("b"), "c", 2)], 400],
    ["without a length", () => [file(inside("new"), "a"), Buffer.of(0)], 400],
    ["that are too long", () => [file(inside("new"), "a"), file(inside("b"), "c", 2 ** 30)], 413],
    ["with a name that is none", () => [file(inside("new"), "a"), file("a\0b", "")], 400],
  ])("%s are refused, and none stays", async (_what, files, status) => {
    expect((await sendFiles("write", Buffer.concat(files()))).status).toBe(status);
    expect(existsSync(inside("new"))).toBe(false);
  });

  it.each([["{}"], ["[]"], ['{"paths":1}'], ["{"]])("%s asks for nothing", async (body) => {
    expect((await sendFiles("read", body)).status).toBe(400);
  });
});
