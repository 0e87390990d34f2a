import { EmberboxError } from "@emberbox/core";
import type { CreateOptions, SandboxProvider } from "@emberbox/core/provider";
import { expect, test } from "vitest";
import { createEmberboxSandbox } from "./provider.ts";

const connection = (sandboxId: string) => ({ sandboxId, gone: () => undefined });

/** A provider whose sandboxes do nothing but exist. */
function counting(): { readonly provider: SandboxProvider; readonly made: string[] } {
  const made: string[] = [];
  const metadata = new Map<string, Record<string, string>>();
  const provider = {
    name: "counting",
    capabilities: {},
    create: async (options: CreateOptions) => {
      const sandboxId = `made-${made.length}`;
      made.push(sandboxId);
      metadata.set(sandboxId, { ...options.metadata });
      return connection(sandboxId);
    },
    connect: async (sandboxId: string) => connection(sandboxId),
    list: async () => made.map((sandboxId) => ({ sandboxId, metadata: metadata.get(sandboxId)! })),
    kill: async () => true,
  } as unknown as SandboxProvider;
  return { provider, made };
}

test("a session's id stands for one sandbox, however often it is created", async () => {
  const { provider, made } = counting();
  const sandboxes = createEmberboxSandbox(provider);
  const [first, second] = await Promise.all([
    sandboxes.createSession({ sessionId: "a" }),
    sandboxes.createSession({ sessionId: "a" }),
  ]);
  expect(first.id).toBe("a");
  expect(second.id).toBe("a");
  await sandboxes.createSession({ sessionId: "a" });
  await createEmberboxSandbox(provider).createSession({ sessionId: "a" });
  expect(made).toEqual(["made-0"]);
  await sandboxes.createSession({ sessionId: "b" });
  await sandboxes.createSession();
  expect(made).toHaveLength(3);
  await expect(sandboxes.resumeSession({ sessionId: "c" })).rejects.toThrow(EmberboxError);
});
