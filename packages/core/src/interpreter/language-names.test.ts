import { expect, test } from "vitest";
import { languageName } from "./language-names.ts";

test("each name of a language leads to it", () => {
  const given = ["python3", "Py", "js", "node", " ts ", "sh", "shell", "R", "bash", "lab"];
  expect(given.map(languageName)).toEqual([
    "python",
    "python",
    "javascript",
    "javascript",
    "typescript",
    "bash",
    "bash",
    "r",
    "bash",
    "lab",
  ]);
});
