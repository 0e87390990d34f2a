import { expect, test } from "vitest";
import { type ErrorCode, errorCodes } from "../error-codes.ts";
import { EmberboxError } from "../errors.ts";
import { explainFailure, explainNoSandbox, isLost } from "./failure.ts";

const codes = Object.keys(errorCodes) as ErrorCode[];

test("a model reads the message only of what it can correct, of which the developer does not hear", () => {
  for (const code of codes) {
    const { text, report } = explainFailure(new EmberboxError(code, "in /home/mine"));
    const corrects = errorCodes[code].model === "correct";
    expect(text.includes("/home/mine"), code).toBe(corrects);
    expect(report, code).toBe(!corrects);
  }
});

test("a sandbox is lost exactly where a model begins again in another", () => {
  const begins = codes.filter((code) => errorCodes[code].model === "restart");
  expect(codes.filter(isLost)).toEqual(begins);
  expect(explainFailure(new EmberboxError("snapshot_damaged", "x")).text).toMatch(
    /^What was kept .* damaged or incomplete\. Its state is lost/,
  );
});

test("a code of another version is nothing to act on", () => {
  const newer = Object.assign(new EmberboxError("timeout", "in /home/mine"), { code: "newer" });
  for (const { text, report } of [explainFailure(newer), explainNoSandbox(newer)]) {
    expect(text).toMatch(/^There is no sandbox to work in \(newer\).* tell the user/);
    expect(report).toBe(true);
  }
  expect(isLost("newer")).toBe(false);
});
