import { describe, expect, test } from "vitest";
import { findExamples, missing, runExample } from "../scripts/examples.ts";

describe("an example runs to its end", () => {
  // What needs a service is run by the tests that start one.
  test.each(findExamples().filter((file) => missing(file) === undefined))(
    "%s",
    { timeout: 920_000 },
    async (file) => {
      const { outcome, output } = await runExample(file);
      expect(outcome, output).toBe("ok");
    },
  );
});
