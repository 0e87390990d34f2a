import { Sandbox } from "@emberbox/core";
import { Sandbox as CodeSandbox } from "@e2b/code-interpreter";
import * as latest from "e2b";
import { provider } from "../../support/sandboxes.ts";
import { sdkOptions, startServer } from "../../support/server.ts";
import { serveSandbox } from "./proxy.ts";
import type { Sdk } from "./sdks.ts";

/** One sandbox of a server, as E2B's SDKs see it. */
export interface ServedSandbox extends AsyncDisposable {
  readonly sandboxId: string;
  /** The same sandbox through our own client. */
  readonly ours: Sandbox;
  /** Where its agent itself answers, without the server, to whoever asks. */
  readonly origin: string;
  /** Where its ports are reached on this machine, and what those of the agent demand there. */
  url(port: number): Promise<string>;
  readonly accessToken: string;
  /** The same sandbox through an official SDK. */
  open(sdk: Sdk): Promise<InstanceType<Sdk["Sandbox"]>>;
  openCode(): Promise<CodeSandbox>;
}

export async function serve(): Promise<ServedSandbox> {
  const options = sdkOptions(await startServer());
  const { sandboxId } = await latest.Sandbox.create({ ...options, timeoutMs: 3_600_000 });
  const connection = await provider.connect(sandboxId);
  const { origin, server } = await serveSandbox(connection);
  return {
    sandboxId,
    ours: new Sandbox(connection, provider),
    origin,
    url: (port) => connection.url!(port),
    accessToken: connection.accessToken!,
    open: (sdk) => sdk.Sandbox.connect(sandboxId, options),
    openCode: () => CodeSandbox.connect(sandboxId, options),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await provider.kill(sandboxId);
    },
  };
}
