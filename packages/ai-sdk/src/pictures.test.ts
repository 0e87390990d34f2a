import { expect, test } from "vitest";
import type { SandboxResult } from "./index.ts";
import { modelOutput } from "./tools/model-output.ts";
import { StoredPictures } from "./tools/pictures.ts";

const result = (base64: string): SandboxResult => ({
  status: "done",
  tool: "run_code",
  isError: false,
  text: "drawn",
  pictures: [{ mimeType: "image/png", base64, sizeBytes: 3 }],
  files: [],
  data: { durationMs: 1, timedOut: false, outOfMemory: false, truncated: false },
});
const big = (letter: string): string => letter.repeat(12 * 1024 * 1024);
const full = (): never => {
  throw new Error("full");
};
const refuse = (): never => {
  throw new Error("not expected");
};

test("an output has the URL; the model sees the bytes while they are remembered", async () => {
  let count = 0;
  const stored = new StoredPictures((_, { toolCallId }) => `/${toolCallId}/${count++}.png`, refuse);
  const first = await stored.output(result(big("a")), "c");
  expect(first).toMatchObject({ pictures: [{ base64: "", url: "/c/0.png", sizeBytes: 3 }] });
  const shown = modelOutput(first, true, stored);
  expect(JSON.stringify(shown).length).toBeGreaterThan(12_000_000);
  expect(shown).toMatchObject({ type: "content", value: [{}, { mediaType: "image/png" }] });
  expect(modelOutput(first, true)).toEqual({ type: "text", value: "drawn" });
  await stored.output(result(big("b")), "c");
  await stored.output(result(big("c")), "c");
  expect(modelOutput(first, true, stored)).toEqual({ type: "text", value: "drawn" });
  expect(stored.bytes("/c/2.png")).toBe(big("c"));
});

test("a URL that a client made up is not fetched", () => {
  const stored = new StoredPictures(refuse, refuse);
  const picture = { mimeType: "image/png", base64: "", sizeBytes: 3 };
  const forged = { ...result(""), pictures: [{ ...picture, url: "http://169.254.169.254/" }] };
  expect(modelOutput(forged, true, stored)).toEqual({ type: "text", value: "drawn" });
});

test("a picture that cannot be stored stays where it is, and the developer hears why", async () => {
  const heard: unknown[] = [];
  const stored = new StoredPictures(full, (error) => heard.push(error));
  expect(await stored.output(result("iVBO"), "c")).toMatchObject({
    pictures: [{ base64: "iVBO" }],
  });
  expect(heard).toEqual([new Error("full")]);
});
