import { e2b } from "@emberbox/core";
import { describeProvider } from "@emberbox/conformance/vitest";
import { getGlobalDispatcher, setGlobalDispatcher } from "undici";
import { afterAll } from "vitest";
import { resolveLocalhost, startServer } from "./support/server.ts";

const server = await startServer();

const usual = getGlobalDispatcher();
setGlobalDispatcher(resolveLocalhost());
afterAll(() => setGlobalDispatcher(usual));

describeProvider("e2b, through the server", () =>
  e2b({ apiUrl: server.url, sandboxUrl: server.url, apiKey: server.apiKey }),
);
