import { describe, expect, test } from "vitest";
import { signFile } from "@emberbox/core/envd";
import { tokensOf } from "../tokens.ts";
import { demandAccess, findShown, isForSome } from "./access.ts";

const tokens = tokensOf("seed", "iabc");
const envd = { sandboxId: "iabc", port: 49983 };

function ask(
  line: string,
  {
    headers = {},
    target = envd,
    network = {},
  }: {
    headers?: Record<string, string>;
    target?: typeof envd;
    network?: { allowPublicTraffic?: boolean };
  } = {},
): void {
  const [method, url] = line.split(" ") as [string, string];
  demandAccess({ method, url, headers }, target, tokens, network);
}

function found(request: Parameters<typeof isForSome>[0], ids: string[]): string | undefined {
  const url = new URL(request.url!, "http://x");
  return findShown(request, url, ids, (id) => tokensOf("seed", id));
}

test("tokens are of one sandbox and one seed", () => {
  expect(tokensOf("seed", "iabc")).toEqual(tokens);
  const all = [tokens, tokensOf("seed", "iabd"), tokensOf("other", "iabc")];
  expect(new Set(all.flatMap(({ envd, traffic }) => [envd, traffic])).size).toBe(6);
});

describe("envd", () => {
  const withToken = { headers: { "x-access-token": tokens.envd } };

  test("wants its token, except to say that it is there", () => {
    expect(() => ask("GET /health")).not.toThrow();
    expect(() => ask("POST /process.Process/List", withToken)).not.toThrow();
    expect(() => ask("POST /process.Process/List")).toThrow("unauthorized access");
    expect(() => ask("POST /health")).toThrow("unauthorized access");
    expect(() => ask("GET /files?path=/x")).toThrow("unauthorized access");
  });

  test.each(["/init", "//init", "/%69nit", "/INIT/", "/freeze", "/fsthaw", "/upgrade?x"])(
    "keeps %s to itself, whatever the token",
    (path) => {
      expect(() => ask(`POST ${path}`, withToken)).toThrow(
        expect.objectContaining({ status: 404 }),
      );
    },
  );

  const sign = (operation: "read" | "write", expiration: string | null = null): string => {
    const grant = { path: "/a b", operation, user: "root", expiration };
    const query = new URLSearchParams({
      path: "/a b",
      username: "root",
      signature: signFile(grant, tokens.envd),
      ...(expiration !== null && { signature_expiration: expiration }),
    });
    return `/files?${query}`;
  };

  test("takes a signature for one operation on one file, until its end", () => {
    expect(() => ask(`GET ${sign("read")}`)).not.toThrow();
    expect(() => ask(`POST ${sign("write", "99999999999")}`)).not.toThrow();
    expect(() => ask(`POST ${sign("read")}`)).toThrow("invalid signature");
    expect(() => ask(`GET ${sign("read").replace("root", "user")}`)).toThrow("invalid signature");
    expect(() => ask(`GET ${sign("read", "1000")}`)).toThrow("signature is already expired");
    expect(() => ask(`GET ${sign("read", "soon")}`)).toThrow("signature is already expired");
    // A token that is sent counts, and no signature makes up for a wrong one.
    const wrong = { headers: { "x-access-token": "wrong" } };
    expect(() => ask(`GET ${sign("read")}`, wrong)).toThrow("unauthorized access");
  });

  test("is found by a signature that names no sandbox", () => {
    const request = { method: "GET", url: sign("read"), headers: {} };
    expect(isForSome(request)).toBe(true);
    expect(found(request, ["iother", "iabc"])).toBe("iabc");
    expect(found(request, ["iother"])).toBeUndefined();
  });

  test("is found by its token where nothing names it, unless a key says that the server is meant", () => {
    const request = { method: "POST", url: "/process.Process/List", headers: withToken.headers };
    expect(isForSome(request)).toBe(true);
    expect(found(request, ["iother", "iabc"])).toBe("iabc");
    expect(found(request, ["iother"])).toBeUndefined();
    const key = { ...withToken.headers, "x-api-key": "a key" };
    expect(isForSome({ ...request, headers: key })).toBe(false);
    expect(isForSome({ ...request, headers: {} })).toBe(false);
  });
});

test("the interpreter is closed to strangers, and runs code for whoever has the sandbox only", () => {
  const target = { sandboxId: "iabc", port: 49999 };
  const owner = { "x-access-token": tokens.envd };
  const visitor = { "e2b-traffic-access-token": tokens.traffic };
  const contexts = [
    "GET /contexts",
    "POST /contexts",
    "DELETE /contexts/a",
    "POST /contexts/a/restart",
  ];
  for (const line of [...contexts, "GET /health"]) {
    expect(() => ask(line, { target }), line).toThrow("missing");
    const wrong = { "e2b-traffic-access-token": "wrong" };
    expect(() => ask(line, { target, headers: wrong }), line).toThrow("not valid");
    expect(() => ask(line, { target, headers: visitor }), line).not.toThrow();
    expect(() => ask(line, { target, headers: owner }), line).not.toThrow();
  }
  for (const line of [
    "POST /execute",
    "POST /execute/",
    "POST //contexts",
    "POST /users/root/execute",
    "POST /users/root/contexts",
    "GET /contextsx",
    "GET /",
  ]) {
    expect(() => ask(line, { target, headers: visitor }), line).toThrow("unauthorized access");
    expect(() => ask(line, { target, headers: owner }), line).not.toThrow();
  }
});

test("servers in the sandbox are public, or want the traffic token", () => {
  const target = { sandboxId: "iabc", port: 8080 };
  const network = { allowPublicTraffic: false };
  expect(() => ask("GET /", { target })).not.toThrow();
  expect(() => ask("GET /", { target, network })).toThrow("missing");
  const wrong = { "e2b-traffic-access-token": tokens.envd };
  expect(() => ask("GET /", { target, network, headers: wrong })).toThrow("not valid");
  const right = { "e2b-traffic-access-token": tokens.traffic };
  expect(() => ask("GET /", { target, network, headers: right })).not.toThrow();
});
