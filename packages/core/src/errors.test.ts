import { expect, test } from "vitest";
import { codeOfStatus, errorCodes } from "./error-codes.ts";
import { EmberboxError } from "./errors.ts";

const introduction = `# Errors

Everything that fails throws an \`EmberboxError\`. Its \`code\` says what happened, \`message\` the particulars, \`hint\` what to do, and \`details\` what was known: a call that ran into a limit, or whose sandbox went away, has there what it had so far (\`execution\` for \`runCode\`; \`stdout\` and \`stderr\` for \`commands.run\`).

Not errors: an exception that the code raised (it is in the execution's \`error\`), and a command's non-zero exit code. A call that was aborted rejects with the signal's own reason, and one whose [callback](#callbacks) threw with what the callback threw.

\`EmberboxError.isInstance(error)\` recognises one, also across copies of the package.

\`sandbox.ended\` is an \`AbortSignal\` for work of your own: it is aborted when the sandbox has ended, with the error that its calls reject with from then on. A pause is no end.

Each code has a \`kind\`, for programs that do not know every code:

| kind | whose matter it is |
|---|---|
| \`caller\` | The call asked for something that is not acceptable, or not there: ask for something else. |
| \`limit\` | A limit was reached: of time, memory, disk, size or requests. |
| \`lost\` | The sandbox, or what was kept of it, is gone or cannot be used: begin anew. |
| \`unsupported\` | The provider cannot do that. |
| \`environment\` | The machine, its set-up or the connection is at fault, whatever was asked. |
| \`internal\` | Emberbox or the service itself failed. |

The status is the one that the [server](e2b.md) answers with.

| code | kind | status | what it means | what to do |
|---|---|---|---|---|
`;

const callbacks = `
## Callbacks

A callback that is given to a call belongs to it: \`onStdout\`, \`onStderr\`, \`onResult\`, \`onError\` and \`onData\` of code, commands and terminals, a tool's \`onOutput\`, and what \`watchDir\` calls with each change. When it returns a promise, that is waited for, which slows down what runs in the sandbox. When it throws, or its promise rejects, what runs is ended, and the call rejects with what the callback threw; for a command in the background that is \`wait()\`, and for a watch \`onExit\` hears of it.

A callback that belongs to no call only hears of things: \`onNetwork\` of a sandbox, \`onProgress\` of a provider, \`onImage\` and \`onTemplate\` of \`prepare\`, \`onError\` of tools and sessions, \`onExit\` of a watch, \`onOutput\` of the client for OpenAI's agents. Whatever it does, the work goes on. When it throws, or its promise rejects, a warning of Node's tells of the first time: \`process.on("warning", …)\` hears it, as an \`EmberboxWarning\`.
`;

// The page is generated from the table: `vitest -u` writes it, and any other difference fails.
test("the documentation is what the table says", async () => {
  const rows = Object.entries(errorCodes).map(
    ([code, { kind, status, meaning, hint }]) =>
      `| \`${code}\` | \`${kind}\` | ${status} | ${meaning} | ${hint} |\n`,
  );
  await expect(introduction + rows.join("") + callbacks).toMatchFileSnapshot(
    "../../../docs/errors.md",
  );
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

test("an error is of its code's kind", () => {
  expect(new EmberboxError("timeout", "x").kind).toBe("limit");
  expect(new EmberboxError("sandbox_died", "x").kind).toBe("lost");
});

test("a code is found by its status, among those that may be meant", () => {
  expect(codeOfStatus(404, ["timeout", "file_not_found", "sandbox_not_found"])).toBe(
    "file_not_found",
  );
  expect(codeOfStatus(404, ["timeout"])).toBeUndefined();
});

test("a message steers no terminal, whoever wrote it", () => {
  const { message } = new EmberboxError(
    "timeout",
    "a\u001B]52;c;aGk=\u0007\u009B2J\u001B[31m b\r\nc\u202E",
  );
  expect(message).toBe("a␛]52;c;aGk=␇<U+009B>2J b\nc<U+202E>");
});
