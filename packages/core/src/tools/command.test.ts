import { expect, test } from "vitest";
import type { ErrorCode } from "../error-codes.ts";
import { EmberboxError } from "../errors.ts";
import { shellExitCode } from "./command.ts";

function failure(code: ErrorCode, exitCode?: number): EmberboxError {
  return new EmberboxError(code, "x", { details: { exitCode } });
}

test("exit codes are those of a shell", () => {
  expect(shellExitCode({ exitCode: 3 })).toBe(3);
  expect(shellExitCode({ exitCode: -1 })).toBe(137);
  expect(shellExitCode(failure("timeout", -1))).toBe(124);
  expect(shellExitCode(failure("out_of_memory", 1))).toBe(1);
  // A command killed for lack of memory has not succeeded, whatever its shell reported.
  expect(shellExitCode(failure("out_of_memory", 0))).toBe(137);
  expect(shellExitCode(failure("sandbox_died"))).toBe(137);
});
