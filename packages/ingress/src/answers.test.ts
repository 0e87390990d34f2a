import { expect, test } from "vitest";
import { rawAnswer, refusalBody, refusals } from "./answers.ts";

const target = { sandboxId: "iabc", port: 8000 };

test("a refusal names the sandbox and its port, unless the agent itself would refuse so", () => {
  expect(JSON.parse(refusalBody(target, refusals.closed))).toEqual({
    ...{ sandboxId: "iabc", port: 8000, code: 502 },
    message: "The sandbox is running but port is not open",
  });
  const unauthorized = { status: 401, message: "invalid signature" };
  expect(JSON.parse(refusalBody(target, unauthorized))).toEqual({
    ...{ code: 401, message: "invalid signature" },
  });
});

test("a raw answer says how long it is, and that it is the last", () => {
  expect(rawAnswer(429, '"\u00e9"').split("\r\n")).toEqual([
    ...["HTTP/1.1 429 Too Many Requests", "Content-Type: application/json", "Content-Length: 4"],
    ...["Connection: close", "", '"\u00e9"'],
  ]);
});
