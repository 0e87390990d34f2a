import { expect, onTestFinished, test } from "vitest";
import { background, notifier, warning } from "./background.ts";

/** Collects the warnings from now on. */
function warnings(): Error[] {
  const heard: Error[] = [];
  const hear = (each: Error): void => void heard.push(each);
  process.on("warning", hear);
  onTestFinished(() => void process.off("warning", hear));
  return heard;
}

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10));
const fails = (message: string) => async (): Promise<never> => {
  throw new Error(message);
};

test("the failure of work in the background goes where it was told to", async () => {
  const failures: unknown[] = [];
  background(fails("no space")(), (error) => failures.push(error));
  background(Promise.resolve(), (error) => failures.push(error));
  await settle();
  expect(failures).toEqual([new Error("no space")]);
});

test("one who hears of a failure and fails ends nothing", async () => {
  const heard = warnings();
  background(fails("no space")(), () => {
    throw new Error("no more");
  });
  await settle();
  expect(heard.map(({ message }) => message)).toEqual([
    "What was to hear of a failure failed: no more",
  ]);
});

test("a failure becomes a warning, whatever was thrown", async () => {
  const heard = warnings();
  for (const error of [new TypeError("odd"), "text", undefined]) warning("Sweeping")(error);
  await settle();
  expect(heard.map(({ name, message }) => `${name}: ${message}`)).toEqual([
    "EmberboxWarning: Sweeping failed: odd",
    "EmberboxWarning: Sweeping failed: text",
    "EmberboxWarning: Sweeping failed: undefined",
  ]);
});

test("a callback is called at once, with what it is to hear", () => {
  const heard: unknown[] = [];
  notifier("onStep", (...args: unknown[]) => heard.push(args))(1, "two");
  notifier("onStep", undefined)();
  expect(heard).toEqual([[1, "two"]]);
});

test.each([
  [
    "throws",
    () => {
      throw new Error("mine");
    },
  ],
  ["rejects", fails("mine")],
])("a callback that %s is warned of once, and goes on being called", async (_how, fail) => {
  const heard = warnings();
  let calls = 0;
  const notify = notifier("onStep", () => {
    calls += 1;
    return fail();
  });
  for (let at = 0; at < 3; at += 1) notify();
  await settle();
  expect(calls).toBe(3);
  expect(heard.map(({ message }) => message)).toEqual(["The callback `onStep` failed: mine"]);
});
