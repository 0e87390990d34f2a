import { ENVD_PORT, INTERPRETER_PORT } from "@emberbox/core/envd";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { openStore, type Row } from "../store.ts";
import { temporaryDirectory } from "../testing/server.ts";
import { Followers } from "./follow.ts";
import { MOST_BYTES } from "./output-rows.ts";
import { Output } from "./output.ts";

const row = (sandboxId: string): Omit<Row, "server"> => ({
  ...{ sandboxId, tenant: "red", template: "base", state: "running", reason: null, network: null },
});

function setUp(directory = temporaryDirectory()) {
  const store = openStore(directory);
  store.put(row("iabc"));
  const output = new Output(store, pino({ enabled: false }));
  const followers = new Followers(output);
  onTestFinished(() => {
    output.close();
    store.close();
  });
  const ask = (port: number, url: string) =>
    followers.follow({ sandboxId: "iabc", port, method: "POST", url });
  return {
    ...{ store, output, followers, ask },
    start: () => ask(ENVD_PORT, "/process.Process/Start")!,
    connect: () => ask(ENVD_PORT, "/process.Process/Connect")!,
    execute: () => ask(INTERPRETER_PORT, "/execute")!,
    lines: (isOver = true) => output.read("iabc", isOver).map(({ message }) => message),
  };
}

function envelope(message: unknown, flags = 0): Buffer {
  const body = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}
const started = (pid: number) => envelope({ event: { start: { pid } } });
const printed = (kind: string, text: string | Buffer) =>
  envelope({ event: { data: { [kind]: Buffer.from(text).toString("base64") } } });
const line = (type: string, text: string) => Buffer.from(`${JSON.stringify({ type, text })}\n`);

test("what a command prints is kept as lines, however its answer is cut", () => {
  const whole = Buffer.concat([
    started(7),
    printed("stdout", "one\ntw"),
    printed("stderr", "wrong\r\n"),
    printed("stdout", Buffer.from("o ü").subarray(0, 3)),
    printed("stdout", Buffer.concat([Buffer.from("ü").subarray(1), Buffer.from("\nlast")])),
    envelope({ event: { end: { exitCode: 0 } } }),
  ]);
  for (const size of [1, 2, 3, 7, 50, whole.length]) {
    const { start, output } = setUp();
    const follower = start();
    for (let at = 0; at < whole.length; at += size) follower.take(whole.subarray(at, at + size));
    follower.end();
    const found = output.read("iabc", false);
    expect(found.map(({ level, message, fields }) => [level, message, fields])).toEqual([
      ["info", "one", { logger: "process", stream: "stdout", pid: "7" }],
      ["warn", "wrong", { logger: "process", stream: "stderr", pid: "7" }],
      ["info", "two ü", expect.anything()],
      ["info", "last", expect.anything()],
    ]);
  }
});

test("what clients refuse ends the answer: what is compressed, or comes after the end", () => {
  for (const flags of [1, 2, 3]) {
    const { start, lines } = setUp();
    const follower = start();
    const before = Buffer.concat([started(7), printed("stdout", "before\n")]);
    follower.take(Buffer.concat([before, envelope({}, flags), printed("stdout", "after\n")]));
    follower.take(printed("stdout", "later\n"));
    follower.end();
    expect(lines()).toEqual(["before"]);
  }
});

test("what a cell prints is kept, and neither its results nor its code", () => {
  const { execute, lines, ask } = setUp();
  const follower = execute();
  follower.take(
    Buffer.concat([
      Buffer.from('{"type":"number_of_executions","execution_count":1}\n'),
      line("stdout", "printed\n"),
      Buffer.from('{"type":"result","text":"secret"}\n{"type":"error","value":"secret"}\n'),
      line("stderr", "warned\n"),
      Buffer.from("not JSON\n"),
      Buffer.from('{"type":"stdout","text":7}\n{"type":"stdout"\n'),
    ]),
  );
  follower.end();
  expect(lines()).toEqual(["printed", "warned"]);
  for (const path of ["/contexts", "/files", "/execute/x", "/"])
    expect(ask(INTERPRETER_PORT, path), path).toBeUndefined();
  expect(ask(8080, "/execute")).toBeUndefined();
  expect(ask(INTERPRETER_PORT, "/users/root/execute")).toBeDefined();
});

test("terminals and input are not kept", () => {
  const { start, ask, lines } = setUp();
  const follower = start();
  follower.take(Buffer.concat([started(1), printed("pty", "typed\n"), printed("stdin", "in\n")]));
  follower.end();
  expect(lines()).toEqual([]);
  expect(ask(ENVD_PORT, "/process.Process/SendInput")).toBeUndefined();
});

test("a command that several clients follow is kept once, as long as one follows", () => {
  const { start, connect, lines } = setUp();
  const [first, second] = [start(), connect()];
  for (const follower of [first, second]) follower.take(started(7));
  for (const follower of [first, second]) follower.take(printed("stdout", "one\n"));
  first.end();
  second.take(printed("stdout", "two\n"));
  second.end();
  expect(lines()).toEqual(["one", "two"]);
});

test("a line without an end is told once its command is over", () => {
  const { start, lines } = setUp();
  const follower = start();
  follower.take(Buffer.concat([started(7), printed("stdout", "a\nb")]));
  expect(lines(false)).toEqual(["a"]);
  expect(lines(true)).toEqual(["a", "b"]);
  follower.end();
  expect(lines(false)).toEqual(["a", "b"]);
});

test("the newest is kept, within a limit, and what a message claims to be is not believed", () => {
  const { start, execute, lines, output, store } = setUp();
  const follower = start();
  follower.take(started(7));
  const block = `${"x".repeat(30_000)}\n`;
  for (let count = 0; count < 300; count++) follower.take(printed("stdout", `${count}\n${block}`));
  output.save();
  for (let count = 0; count < 10; count++) follower.take(printed("stdout", `more ${count}\n`));
  const found = lines();
  expect(found.at(-1)).toBe("more 9");
  expect(found).not.toContain("0");
  expect(found).toContain("299");
  const sizes = store.output.read("iabc").map(({ data }) => data.length);
  expect(sizes.reduce((all, each) => all + each, 0)).toBeLessThanOrEqual(MOST_BYTES);
  // A length of 4 GiB, of which little comes, and then another message.
  follower.take(Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]));
  expect(lines().at(-1)).toMatch("too long");
  const cell = execute();
  cell.take(Buffer.alloc(3 * 1024 * 1024, "x"));
  cell.take(Buffer.from("\n"));
  cell.take(line("stdout", "after\n"));
  expect(lines().at(-1)).toBe("after");
});

test("many short lines take no more than their limit", () => {
  const { execute, lines } = setUp();
  const cell = execute();
  cell.take(line("stdout", "\n".repeat(500_000)));
  expect(lines().length).toBe(10_000);
});

test("it outlives the server, and goes with the sandbox's record", () => {
  const directory = temporaryDirectory();
  const first = setUp(directory);
  first.output.note("iabc", "created");
  first.output.note("iunknown", "nobody's");
  first.output.save();
  const second = setUp(directory);
  expect(second.lines()).toEqual(["created"]);
  expect(second.output.read("iunknown", true)).toEqual([]);
  second.store.remove("iabc");
  expect(second.lines()).toEqual([]);
});
