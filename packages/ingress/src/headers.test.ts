import { expect, test } from "vitest";
import { headOf, maskedHost, passedOn, requestHeaders } from "./headers.ts";

test("headers of the connection, and those that it names, do not go on", () => {
  const kept = ["X-Order", "1", "Set-Cookie", "a", "x-order", "2", "Set-Cookie", "b"];
  const hops = [
    ...["Connection", "keep-alive, X-Once", "X-Once", "1", "connection", "x-twice"],
    ...["X-TWICE", "2", "Keep-Alive", "timeout=5", "Proxy-Connection", "x", "TE", "trailers"],
    ...["Trailer", "X-Sum", "Transfer-Encoding", "chunked", "upgrade", "h2c", ":status", "200"],
    ...["Proxy-Authorization", "Basic x", "HTTP2-Settings", "x", "Expect", "100-continue"],
  ];
  expect(passedOn([...kept, ...hops])).toEqual(kept);
  expect(passedOn(["set-cookie", "a", "set-cookie", "b", "upgrade", "h2c"])).toEqual([
    ...["set-cookie", "a", "set-cookie", "b"],
  ]);
  expect(passedOn(kept, (name, value) => name === "x-order" && value === "1")).toEqual(
    kept.slice(2),
  );
});

test("a request has one host", () => {
  const headers = ["X-A", "1", "hOST", "a", "HOST", "b"];
  expect(requestHeaders(headers, undefined)).toEqual(["Host", "a", "X-A", "1"]);
  expect(requestHeaders(headers, "masked")).toEqual(["Host", "masked", "X-A", "1"]);
  expect(requestHeaders([":authority", "c", "host", "a"], undefined)).toEqual(["Host", "c"]);
  expect(requestHeaders(["X-A", "1"], undefined)).toEqual(["X-A", "1"]);
  expect(maskedHost("a.example:${PORT}", 80)).toBe("a.example:80");
});

test("cookies that HTTP/2 sent apart are one header again, unless it is refused", () => {
  const secret = "c=2";
  const apart = [":authority", "a", "cookie", "b=1", "cookie", secret];
  expect(requestHeaders(apart, undefined)).toEqual(["Host", "a", "cookie", "b=1; c=2"]);
  const isDropped = (_name: string, value: string): boolean => value.includes(secret);
  expect(requestHeaders(apart, undefined, isDropped)).toEqual(["Host", "a"]);
});

test("a head is written as its headers were", () => {
  expect(String(headOf(101, "Switching Protocols", ["X-A", "1", "x-a", "2"]))).toBe(
    "HTTP/1.1 101 Switching Protocols\r\nX-A: 1\r\nx-a: 2\r\n\r\n",
  );
});
