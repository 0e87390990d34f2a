import { expect, test } from "vitest";
import { EmberboxError, errorCodes } from "./errors.ts";

const introduction = `# Errors

Everything that fails throws an \`EmberboxError\`. Its \`code\` says what happened, \`message\` the particulars, \`hint\` what to do, and \`details\` what was known: a call that ran into a limit, or whose sandbox went away, has there what it had so far (\`execution\` for \`runCode\`; \`stdout\` and \`stderr\` for \`commands.run\`).

Not errors: an exception that the code raised (it is in the execution's \`error\`), and a command's non-zero exit code. A call that was aborted rejects with the signal's own reason, and one whose callback threw with what the callback threw.

\`EmberboxError.isInstance(error)\` recognises one, also across copies of the package.

| code | what it means | what to do |
|---|---|---|
`;

// The page is made from the table: `vitest -u` writes it, and any other difference fails.
test("the documentation is what the table says", async () => {
  const rows = Object.entries(errorCodes).map(
    ([code, { meaning, hint }]) => `| \`${code}\` | ${meaning} | ${hint} |\n`,
  );
  await expect(introduction + rows.join("")).toMatchFileSnapshot("../../../docs/errors.md");
});

test("an error of another copy of the package is recognised", () => {
  const foreign = { [Symbol.for("emberbox.error")]: true };
  expect(EmberboxError.isInstance(foreign)).toBe(true);
  expect(EmberboxError.isInstance(new Error("x"))).toBe(false);
  expect(EmberboxError.isInstance(undefined)).toBe(false);
});

test("a hint comes with each error and can be replaced", () => {
  expect(new EmberboxError("timeout", "x").hint).toBe(errorCodes.timeout.hint);
  expect(new EmberboxError("timeout", "x", { hint: "y" }).hint).toBe("y");
});

test("a message steers no terminal, whoever wrote it", () => {
  const { message } = new EmberboxError(
    "timeout",
    "a\u001B]52;c;aGk=\u0007\u009B2J\u001B[31m b\r\nc\u202E",
  );
  expect(message).toBe("a␛]52;c;aGk=␇<U+009B>2J b\nc<U+202E>");
});
