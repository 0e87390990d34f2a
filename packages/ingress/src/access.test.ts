import { ENVD_PORT, INTERPRETER_PORT, signFile } from "@emberbox/core/envd";
import { describe, expect, test } from "vitest";
import { refusalOf, withoutSignature } from "./access.ts";

describe("who may call", () => {
  const token = "the token";
  const grant = { path: "/a", operation: "read", user: "", expiration: null } as const;
  const signature = encodeURIComponent(signFile(grant, token));
  const asked = (method: string, url: string, shown?: string): string | undefined =>
    refusalOf(
      { method, url, headers: shown === undefined ? {} : { "x-access-token": shown } },
      ENVD_PORT,
      { access: token, traffic: undefined },
    )?.message;

  test.each([
    ["GET", "/health"],
    ["GET", "/metrics", token],
    ["POST", "/process.Process/Start", token],
    ["GET", `/files?path=/a&signature=${signature}`],
  ])("%s %s is answered", (method, url, shown?: string) =>
    expect(asked(method, url, shown)).toBe(undefined),
  );

  test.each([
    ["POST", "/health"],
    ["GET", "/health/../metrics"],
    ["GET", "/metrics"],
    ["GET", "/metrics", ""],
    ["GET", "/metrics", "the tokem"],
    ["GET", "/files?path=/a"],
    ["GET", `/files?path=/a&signature=${signature}`, "wrong"],
    ["GET", `/files?path=/a&path=/b&signature=`],
    ["GET", `/files?path=/b&path=/a&signature=${signature}`],
    ["POST", `/files?path=/a&signature=${signature}`],
    ["GET", `/files?path=/a&username=root&signature=${signature}`],
    ["GET", `/files?path=/a&signature=${signature}&signature_expiration=99999999999`],
    ["GET", `/metrics?path=/a&signature=${signature}`],
    ["POST", `/process.Process/Start?path=/a&signature=${signature}`],
    ["GET", `/files/?path=/a&signature=${signature}`],
  ])("%s %s is refused", (method, url, shown?: string) =>
    expect(asked(method, url, shown)).toMatch(/^(unauthorized|invalid)/),
  );

  test("the sandbox is not shown a signature, however it is written", () => {
    const url = new URL(
      `http://s/files?path=/a%20b&%73ignature=${signature}&signature_expiration=1`,
    );
    expect(withoutSignature(url).href).toBe("http://s/files?path=%2Fa+b");
    expect(withoutSignature(new URL("http://s/files?path=/a%20b")).search).toBe("?path=/a%20b");
  });
});

describe("who may call the interpreter", () => {
  const tokens = { access: "the access token", traffic: "the traffic token" };
  const owner = { "x-access-token": tokens.access };
  const visitor = { "e2b-traffic-access-token": tokens.traffic };
  const asked = (
    line: string,
    headers: Record<string, string>,
    has: Partial<typeof tokens> = tokens,
  ) => {
    const [method, url] = line.split(" ") as [string, string];
    const expected = { access: has.access, traffic: has.traffic };
    return refusalOf({ method, url, headers }, INTERPRETER_PORT, expected)?.status;
  };

  test("whoever has the sandbox may, and visitors may use contexts", () => {
    for (const line of [
      "GET /health",
      "GET /contexts",
      "POST /contexts/a/restart",
      "POST /execute",
    ])
      expect([line, asked(line, owner), asked(line, {})]).toEqual([
        ...[line, undefined, line === "POST /execute" ? 401 : 403],
      ]);
    expect(asked("GET /contexts", visitor)).toBe(undefined);
    expect(asked("POST /execute", visitor)).toBe(401);
  });

  test("where there are no visitors, only its health is told to others", () => {
    const { access, traffic } = tokens;
    expect(asked("GET /health", {}, { access })).toBe(undefined);
    expect(asked("GET /contexts", visitor, { access })).toBe(401);
    expect(asked("POST /execute", visitor, { traffic })).toBe(undefined);
    expect(asked("POST /execute", owner, { traffic })).toBe(403);
  });
});

test("of a header that was sent more than once, one that is right is enough", () => {
  const tokens = { access: undefined, traffic: "right" };
  const ask = (shown: string) => {
    const request = { method: "GET", url: "/", headers: { "e2b-traffic-access-token": shown } };
    return refusalOf(request, 8000, tokens)?.message;
  };
  expect(ask("wrong, right")).toBe(undefined);
  expect(ask("")).toBe("The header e2b-traffic-access-token is not valid");
});
