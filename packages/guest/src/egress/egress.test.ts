import { expect, test, vi } from "vitest";
import { applyNetwork } from "./egress.ts";

const trust = vi.hoisted(() => vi.fn<() => void>());
vi.mock(import("./trust.ts"), () => ({ trust, trustEnvs: { SSL_CERT_FILE: "/bundle" } }));

/** What the kernel knows already. */
const usual = { isOff: false, refused: [], allowed: [] };

test("an authority that cannot be written is told of, and ends nothing", async () => {
  const log = vi.fn<(line: string) => void>();
  const context = { envs: { A: "1" }, defaultUser: "user", log };
  trust.mockImplementationOnce(() => {
    throw new Error("ENOSPC: no space left on device");
  });
  await applyNetwork({ ...usual, authority: "a certificate" }, context);
  expect(log.mock.calls).toEqual([
    ["the network's authority is not trusted: Error: ENOSPC: no space left on device"],
  ]);
  expect(context.envs).toEqual({ A: "1" });
  await applyNetwork({ ...usual, authority: "a certificate" }, context);
  expect(context.envs).toEqual({ A: "1", SSL_CERT_FILE: "/bundle" });
});
