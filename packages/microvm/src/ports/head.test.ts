import { describe, expect, test } from "vitest";
import { checkHead } from "./head.ts";

const head = (...lines: string[]): string => `${lines.join("\r\n")}\r\n\r\n`;
const open = { token: undefined, host: "localhost:3000" };
const guarded = { token: "secret", host: undefined };

describe("with a token", () => {
  test.each([
    ["none", head("GET / HTTP/1.1", "Host: a")],
    ["a wrong one", head("GET / HTTP/1.1", "e2b-traffic-access-token: secreT")],
    ["the beginning of it", head("GET / HTTP/1.1", "e2b-traffic-access-token: secre")],
    ["it in another header", head("GET / HTTP/1.1", "x-e2b-traffic-access-token: secret")],
    ["it in a folded line", head("GET / HTTP/1.1", "a: b", " e2b-traffic-access-token: secret")],
  ])("a request with %s is refused", (_name, request) => {
    expect(checkHead(request, guarded)).toEqual({ status: 403 });
  });

  test("the server inside does not see it, and the connection ends with the request", () => {
    const request = head(
      "GET /a HTTP/1.1",
      "Host: a:1",
      "E2B-Traffic-Access-Token:  secret ",
      "Connection: keep-alive",
    );
    expect(checkHead(request, guarded)).toEqual({
      head: head("GET /a HTTP/1.1", "Host: a:1", "Connection: close"),
    });
  });
});

test("the host is masked, also where there are two or none", () => {
  const masked = { head: head("GET / HTTP/1.1", "Host: localhost:3000", "Connection: close") };
  expect(checkHead(head("GET / HTTP/1.1", "Host: a", "HOST: b"), open)).toEqual(masked);
  expect(checkHead(head("GET / HTTP/1.1"), open)).toEqual(masked);
});

test("an upgrade keeps what it needs", () => {
  const lines = ["Host: localhost:3000", "Upgrade: websocket", "Connection: Upgrade"];
  expect(checkHead(head("GET / HTTP/1.1", ...lines), open)).toEqual({
    head: head("GET / HTTP/1.1", ...lines),
  });
});

test.each(["GET /", "\u0016\u0003\u0001", "get / HTTP/1.1", "GET / HTTP/2.0", ""])(
  "%j is no request",
  (line) => expect(checkHead(head(line), guarded)).toEqual({ status: 400 }),
);
