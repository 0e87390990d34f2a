import { duplexPair, PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { recordConsole } from "./console.ts";
import { connectQmp } from "./qmp.ts";

test("commands are answered in the order in which they were sent, events in between", async () => {
  const [ours, theirs] = duplexPair();
  const qmp = connectQmp(ours);
  const events: string[] = [];
  qmp.on(({ event }) => events.push(event));
  const answers = Promise.all([
    qmp.command("one"),
    qmp.command("two").catch((error: Error) => error.message),
    qmp.command("three"),
  ]);
  theirs.write(
    '{"QMP": {"version": {}}}\n{"return": 1}\n{"event": "STOP"}\n{"error": {"class": "x", "desc"',
  );
  theirs.write(': "no"}}\n{"return": {}}\n');
  expect(await answers).toEqual([1, "QEMU: no", {}]);
  expect(events).toEqual(["STOP"]);
});

const attacks: [string, string][] = [
  ["a line without end", "x".repeat(3 * 1024 * 1024)],
  ["what is not JSON", "hello\n"],
  ["events without end", '{"event":"STOP"}\n'.repeat(50_000)],
  ["the end", ""],
];
test.for(attacks)("%s rejects what waits and what comes later", async ([, bytes]) => {
  const [ours, theirs] = duplexPair();
  const qmp = connectQmp(ours);
  const waiting = qmp.command("one");
  theirs.end(bytes);
  theirs.resume();
  await expect(waiting).rejects.toThrow();
  await expect(qmp.command("two")).rejects.toThrow();
});

test("the console keeps its last lines, without what would steer a terminal", async () => {
  const stream = new PassThrough();
  const console = recordConsole(stream);
  stream.write(
    `${"old line\n".repeat(20_000)}\u001B[2J\u001Bc\u001B]0;title\u0007red \u001B[31mline\u001B[0m\r\nlast\n`,
  );
  await new Promise((resolve) => setImmediate(resolve));
  expect(console.tail(2)).toBe("]0;titlered line\nlast");
  expect(console.tail(1_000_000).length).toBeLessThanOrEqual(65_536);
});
