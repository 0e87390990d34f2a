import { expect, test } from "vitest";
import { callTool, connectStdio } from "./support/client.ts";

test("a client makes checkpoints and goes back to them; each call says what was before it", async () => {
  await using client = await connectStdio(["--checkpoints", "each-call", "--prefix", "box_"]);
  const { tools } = await client.listTools();
  const names = tools.map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(["box_run_code", "box_checkpoint", "box_rollback", "box_history"]),
  );
  await callTool(client, "box_run_command", { command: "echo one > list" });
  const made = await callTool(client, "box_checkpoint", { label: "one is there" });
  const id = /checkpoint (\S+?)(?::| was)/.exec(made.text)![1]!;
  const call = { name: "box_run_command", arguments: { command: "rm list" } };
  const { _meta } = await client.callTool(call, { timeout: 120_000 });
  expect(_meta).toMatchObject({
    "emberbox/checkpoint": expect.any(String),
    "emberbox/position": { checkpointId: expect.any(String) },
  });
  const history = await callTool(client, "box_history", {});
  expect(history.text).toContain(`${id}: `);
  expect(history.text).toContain("(current)");
  const back = await callTool(client, "box_rollback", { checkpoint_id: id });
  expect(back).toMatchObject({ isError: false, text: expect.stringContaining(id) as string });
  expect((await callTool(client, "box_run_command", { command: "cat list" })).text).toContain(
    "one",
  );
  const missing = await callTool(client, "box_rollback", { checkpoint_id: "nowhere" });
  expect(missing).toMatchObject({
    isError: true,
    text: expect.stringContaining("nowhere") as string,
  });
});

test("a server without the option has no such tools, and refuses words that it does not know", async () => {
  await using client = await connectStdio();
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).not.toContain("rollback");
  await expect(connectStdio(["--checkpoints", "sometimes"])).rejects.toThrow();
});

test("a model that goes back while another call runs waits for it, and what it kept is there", async () => {
  await using client = await connectStdio(["--checkpoints", "each-call"]);
  await callTool(client, "run_command", { command: "echo one > list" });
  const made = await callTool(client, "checkpoint", {});
  const id = /checkpoint (\w+)/.exec(made.text)![1]!;
  const [ran, back, read] = await Promise.all([
    callTool(client, "run_command", { command: "sleep 2; echo two >> list; cat list" }),
    callTool(client, "rollback", { checkpoint_id: id }),
    callTool(client, "run_command", { command: "cat list" }),
  ]);
  expect(ran.text).toContain("one\ntwo");
  expect(back).toMatchObject({ isError: false });
  expect(read.text).toContain("one");
  expect(read.text).not.toContain("two");
  const history = await callTool(client, "history", {});
  // Nothing is lost: it can be gone forward to as well.
  const lost = /^(\w+): .*after run_command: sleep/m.exec(history.text)![1]!;
  await callTool(client, "rollback", { checkpoint_id: lost });
  const forward = await callTool(client, "run_command", { command: "cat list" });
  expect(forward.text).toContain("two");
});
