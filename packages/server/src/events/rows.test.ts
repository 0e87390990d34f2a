import { spawnSync } from "node:child_process";
import { expect, onTestFinished, test } from "vitest";
import { openStore } from "../store.ts";
import { temporaryDirectory } from "../testing/server.ts";
import { eventOf } from "./event.ts";

function open(directory = temporaryDirectory()) {
  const store = openStore(directory);
  onTestFinished(() => store.close());
  return store;
}

const event = (sandboxId: string, tenant: string, at = new Date()) =>
  eventOf(
    {
      ...{ type: "sandbox.lifecycle.created" as const, eventData: {}, sandboxId },
      ...{ sandboxExecutionId: "e", sandboxTemplateId: "base" },
    },
    tenant,
    at,
  );

test("of each tenant the newest events are kept, for a week", () => {
  const store = open();
  const count = (tenant: string) =>
    store.events.list({ tenant, offset: 0, limit: 1_000_000, ascending: true }).length;
  store.transaction(() => {
    store.events.add("blue", event("iold", "blue", new Date(Date.now() - 8 * 24 * 3_600_000)));
    store.events.add("blue", event("inew", "blue"));
    for (let number = 0; number < 10_005; number++)
      store.events.add("red", event(`i${number}`, "red"));
  });
  expect([count("red"), count("blue")]).toEqual([10_000, 2]);
  const [oldest] = store.events.list({ tenant: "red", offset: 0, limit: 1, ascending: true });
  expect(oldest!.event.sandboxId).toBe("i5");
  store.prune();
  expect([count("red"), count("blue")]).toEqual([10_000, 1]);
});

test("for each webhook the newest deliveries wait", () => {
  const { webhooks, transaction } = open();
  let dropped = 0;
  transaction(() => {
    webhooks.enqueue("other", "first", "{}");
    for (let number = 0; number < 1003; number++)
      dropped += webhooks.enqueue("one", String(number), "{}");
  });
  expect(dropped).toBe(3);
  expect([webhooks.due("one")?.eventId, webhooks.due("other")?.eventId]).toEqual(["3", "first"]);
  webhooks.remove("one");
  expect(webhooks.waiting().map(({ webhookId }) => webhookId)).toEqual(["other"]);
});

test("what a server was killed with goes to the next, and to one of them only", () => {
  const directory = temporaryDirectory();
  const program = `
    import { openStore } from ${JSON.stringify(new URL("../store.ts", import.meta.url).href)};
    openStore(${JSON.stringify(directory)}).webhooks.enqueue("one", "event", "{}");
    process.kill(process.pid, "SIGKILL");`;
  const options = ["--conditions=@emberbox/source", "--input-type=module", "--eval", program];
  expect(spawnSync(process.execPath, options).signal).toBe("SIGKILL");
  const [first, second] = [open(directory), open(directory)];
  expect(first.webhooks.due("one")?.eventId).toBe("event");
  expect(second.webhooks.due("one")).toBeUndefined();
});

test("a transaction that fails leaves nothing, nor does one within it", () => {
  const store = open();
  expect(() =>
    store.transaction(() => {
      store.transaction(() => store.events.add("red", event("ione", "red")));
      throw new Error("no");
    }),
  ).toThrow("no");
  expect(store.events.list({ offset: 0, limit: 10, ascending: true })).toEqual([]);
});
