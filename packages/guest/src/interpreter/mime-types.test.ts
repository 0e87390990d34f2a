import { expect, test } from "vitest";
import { mimeTypeOf, mimeTypes } from "./mime-types.ts";

test.each([
  ["/home/user/a.csv", "text/csv"],
  ["A.PNG", "image/png"],
  ["a.tar.gz", "application/gzip"],
  ["a.py", "text/x-python"],
  ["a.md", "text/markdown"],
  ["a.wav", "audio/wav"],
  ["a.yaml", "application/yaml"],
  ["a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
  ["a.parquet", "application/vnd.apache.parquet"],
  ["a.unknown", "application/octet-stream"],
  ["csv", "application/octet-stream"],
  ["a.csv/b", "application/octet-stream"],
  ["/a/.csv", "application/octet-stream"],
  ["a.", "application/octet-stream"],
])("%s is %s", (path, type) => expect(mimeTypeOf(path)).toBe(type));

test("every ending is in small letters, as it is looked up", () => {
  for (const [ending, type] of mimeTypes) {
    expect(ending).toMatch(/^[a-z0-9][a-z0-9_+-]*$/);
    expect(type).toMatch(/^[a-z-]+\/\S+$/);
  }
});
