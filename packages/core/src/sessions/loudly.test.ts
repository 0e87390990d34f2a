import { expect, test, vi } from "vitest";
import { EmberboxError } from "../errors.ts";
import type { SandboxProvider } from "../provider.ts";
import { createSandboxTools } from "../tools/create-tools.ts";

const provider = {
  name: "broken",
  capabilities: {},
  create: () => Promise.reject(new EmberboxError("image_missing", "there is no image")),
} as unknown as SandboxProvider;

test("a failure that nobody listens for is printed, once", async () => {
  const emitWarning = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  const onError = vi.fn();
  for (const options of [{ onError }, {}, {}]) {
    await using tools = createSandboxTools(provider, options);
    const { text } = await tools.execute("run_code", { code: "1" });
    expect(text).toContain("image_missing");
  }
  expect(onError).toHaveBeenCalledOnce();
  expect(emitWarning).toHaveBeenCalledExactlyOnceWith("there is no image", {
    type: "EmberboxWarning",
    code: "image_missing",
    detail: expect.stringMatching(/emberbox build[^]*`onError`/) as string,
  });
});
