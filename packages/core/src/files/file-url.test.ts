import { expect, test } from "vitest";
import { signFile } from "../envd.ts";
import { Sandbox } from "../sandbox.ts";
import type { SandboxConnection, SandboxProvider } from "../provider.ts";

const reachable = { url: async (port: number) => `https://${port}-it.example:8443` };

function sandboxWith(facts: Partial<SandboxConnection>): Sandbox {
  const connection = { sandboxId: "it", gone: () => undefined, ...facts } as SandboxConnection;
  return new Sandbox(connection, { name: "scripted" } as SandboxProvider);
}

test("a signed URL grants one operation on one file for a time", async () => {
  const sandbox = sandboxWith({ ...reachable, accessToken: "secret" });
  const before = Math.floor(Date.now() / 1000);
  const options = { user: "root", useSignatureExpiration: 60 };
  const url = new URL(await sandbox.uploadUrl("/a b", options));
  const expiration = url.searchParams.get("signature_expiration")!;
  expect(Number(expiration) - before - 60).toBeLessThan(5);
  expect(`${url.origin}${url.pathname}`).toBe("https://49983-it.example:8443/files");
  expect(Object.fromEntries(url.searchParams)).toEqual({
    path: "/a b",
    username: "root",
    signature: signFile({ path: "/a b", operation: "write", user: "root", expiration }, "secret"),
    signature_expiration: expiration,
  });
});

test("a sandbox that demands no token needs no signature, and cannot have it expire", async () => {
  const sandbox = sandboxWith(reachable);
  expect(await sandbox.downloadUrl("/a")).toBe("https://49983-it.example:8443/files?path=%2Fa");
  const expiring = sandbox.downloadUrl("/a", { useSignatureExpiration: 1 });
  await expect(expiring).rejects.toMatchObject({ code: "invalid_argument" });
});

test("there is no URL where nobody can reach the sandbox, nor for a path that is none", async () => {
  await expect(sandboxWith({}).downloadUrl("/a")).rejects.toMatchObject({ code: "unsupported" });
  const path = sandboxWith(reachable).downloadUrl("/a/../b");
  await expect(path).rejects.toMatchObject({ code: "invalid_path" });
});
