import {
  endToEnd,
  withHeaders,
  wrongRequest,
} from "../../../packages/microvm/src/network/headers.ts";
import { targetOf } from "../../../packages/server/src/proxy/target.ts";
import { ApiError } from "../../../packages/server/src/api-error.ts";
import { check, type Target } from "../target.ts";

/** Requests as Node has read them: for a host by the gateway, and for a sandbox by the server. */
export const target: Target = {
  refuses: (error) => error instanceof ApiError && error.status === 400,
  words: ["host", "Host", "a.example", "3000-abc.localhost", "e2b-sandbox-id", "/", "*", ":80"],
  run(input) {
    const [url = "", ...headers] = input.toString("latin1").split("\n");
    if (headers.length % 2 === 1) headers.push("");
    const reason = wrongRequest(url, headers, "a.example");
    check(
      (reason ?? "").length < 200 && !/[^\x20-\x7E]/.test(reason ?? ""),
      "a reason with its own bytes",
    );
    const on = withHeaders(endToEnd(headers), { Host: "a.example" });
    const hosts = on.filter((name, at) => at % 2 === 0 && name.toLowerCase() === "host");
    check(on.length <= headers.length + 2 && hosts.length === 1, "another host");
    const named: Record<string, string> = {};
    for (let at = 0; at < headers.length; at += 2)
      named[headers[at]!.toLowerCase()] = headers[at + 1]!;
    const found = targetOf(named);
    if (found === undefined) return;
    check(/^[a-z0-9]{1,64}$/.test(found.sandboxId), "an id that is none");
    check(found.port >= 1 && found.port <= 65_535, "a port that is none");
  },
};
