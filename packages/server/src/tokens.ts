import { createHmac } from "node:crypto";

/** Whoever has a sandbox's tokens may use its files and processes, or the servers inside it. */
export interface Tokens {
  readonly envd: string;
  readonly traffic: string;
}

/** A sandbox always has the same tokens, without their being stored. */
export function tokensOf(seed: string, sandboxId: string): Tokens {
  const derive = (text: string): string => createHmac("sha256", seed).update(text).digest("hex");
  return { envd: derive(sandboxId), traffic: derive(`sandbox-traffic-${sandboxId}`) };
}
