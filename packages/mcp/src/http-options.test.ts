import { expect, test } from "vitest";
import { resolveHttpOptions } from "./http-options.ts";
import { serveStdio } from "./stdio.ts";

test.each(["short", "has a space in it", "x".repeat(501), "line\nbreak-of-8"])(
  "a token that will not do is not repeated: %j",
  (token) => {
    const resolve = () => resolveHttpOptions({ token });
    expect(resolve).toThrow("`token` option to be 8 to 500 printable characters without spaces");
    expect(resolve).toThrow("got a string that is not shown");
  },
);

test("standard input and output serve nothing with options of the wrong form", () => {
  const options = { structuredContent: "yes" } as never;
  expect(() => serveStdio(undefined, options)).toThrow("`structuredContent` option");
  expect(() => serveStdio({ memoryMb: 5 } as never)).toThrow("Unknown option `memoryMb`");
});
