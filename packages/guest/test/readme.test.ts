import { expect, test } from "vitest";
import { agentFiles } from "@emberbox/guest";

const files = await agentFiles("x64");
const size = files.reduce((sum, { content }) => sum + content.length, 0);
console.log(`${files.length} files, ${size} bytes`);

test("the README's example does what it says", () => {
  expect(files.map(({ target }) => target)).toContain("init");
});
