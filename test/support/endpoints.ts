import type { EmberboxServer } from "@emberbox/server";
import { Agent } from "undici";

/** What points an official SDK at a server. */
export interface SdkOptions {
  readonly apiUrl: string;
  readonly sandboxUrl: string;
  readonly apiKey: string;
}

export function sdkOptions({ url, apiKey }: EmberboxServer): SdkOptions {
  return { apiUrl: url, sandboxUrl: url, apiKey };
}

/** Finds `*.localhost`, as browsers and curl do, and Node only where the system does. */
export function resolveLocalhost(): Agent {
  return new Agent({
    connect: {
      lookup: (_host, options, done) => {
        if (options.all) done(null, [{ address: "127.0.0.1", family: 4 }]);
        else done(null, "127.0.0.1", 4);
      },
    },
  });
}
