import { EmberboxError } from "@emberbox/core";
import { expect, test } from "vitest";
import { toApiError } from "./api-error.ts";

test("a failure has its code's status; those of the server's own say what to do", () => {
  const asked = toApiError(new EmberboxError("sandbox_closed", "It was closed"));
  expect(asked).toMatchObject({ status: 404, message: "It was closed" });
  const own = toApiError(new EmberboxError("image_missing", "There is none"));
  expect(own).toMatchObject({
    status: 500,
    message: "There is none (image_missing: Run `emberbox build`.)",
  });
});

test("who is to come again later is told when", () => {
  const full = toApiError(new EmberboxError("host_out_of_memory", "Full"));
  expect(full).toMatchObject({ status: 429, retryAfterSeconds: 1 });
  const details = { retryAfterSeconds: 7 };
  const limited = toApiError(new EmberboxError("rate_limited", "Wait", { details }));
  expect(limited).toMatchObject({ status: 429, retryAfterSeconds: 7 });
});

test("an error that is not ours says nothing of itself", () => {
  const { status, message } = toApiError(new Error("/secret/place"));
  expect(status).toBe(500);
  expect(message).not.toContain("/secret/place");
});
