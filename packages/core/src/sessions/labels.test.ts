import { expect, test } from "vitest";
import type { CreateOptions, SandboxProvider } from "../provider.ts";
import { SandboxTools } from "../tools/create-tools.ts";
import { SandboxSessions } from "./sandbox-sessions.ts";

function recording(): { provider: SandboxProvider; created: CreateOptions[] } {
  const created: CreateOptions[] = [];
  const provider = {
    name: "fake",
    capabilities: {},
    create: async (options: CreateOptions) => {
      created.push(options);
      return { sandboxId: "imade", gone: () => undefined };
    },
    kill: async () => true,
  } as unknown as SandboxProvider;
  return { provider, created };
}

test("sandboxes are labelled with their adapter, conversation and agent; what the user has set wins", async () => {
  const { provider, created } = recording();
  await using plain = new SandboxTools({ provider }, {}, "langchain");
  (await plain.sessions.acquire("thread 1"))[Symbol.dispose]();
  await plain.get("read_file").execute({ path: "x" }, { threadId: "thread 2", agent: "writer" });
  (await plain.sessions.acquire())[Symbol.dispose]();
  const metadata = { "emberbox.thread": "mine", team: "red" };
  await using labelled = new SandboxSessions({ provider, metadata }, {}, "ai-sdk");
  (await labelled.acquire("x"))[Symbol.dispose]();
  await using unnamed = new SandboxSessions({ provider });
  (await unnamed.acquire())[Symbol.dispose]();
  expect(created.map((options) => options.metadata)).toEqual([
    { "emberbox.adapter": "langchain", "emberbox.thread": "thread 1" },
    {
      "emberbox.adapter": "langchain",
      "emberbox.thread": "thread 2",
      "emberbox.agent": "writer",
    },
    { "emberbox.adapter": "langchain" },
    { "emberbox.adapter": "ai-sdk", "emberbox.thread": "mine", team: "red" },
    undefined,
  ]);
});
