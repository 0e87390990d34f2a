import { expect, test } from "vitest";
import { SandboxProcess } from "./process.ts";

test("a listener that throws keeps nothing from the model", async () => {
  const heard: string[] = [];
  const process = new SandboxProcess(false, async ({ text }) => {
    heard.push(text);
    throw new Error("mine");
  });
  for (const text of ["a", "b"]) await process.onOutput("stdout", text);
  await process.onOutput("stderr", "c");
  expect(heard).toEqual(["a", "b", "c"]);
  expect(process.take()).toEqual({ output: "abc", stdout: "ab", stderr: "c" });
});

test("a listener that is slow is waited for", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const process = new SandboxProcess(false, () => promise);
  const order: string[] = [];
  const heard = Promise.resolve(process.onOutput("stdout", "a")).then(() => order.push("heard"));
  order.push("listener");
  resolve();
  await heard;
  expect(order).toEqual(["listener", "heard"]);
});
