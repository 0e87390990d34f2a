import { ENVD_PORT } from "@emberbox/core/envd";
import type { SandboxConnection } from "@emberbox/core/provider";
import { request } from "undici/index.js";
import { z } from "zod";

const MEASURING_MS = 5_000;
const LONGEST_BODY = 64 * 1024;

const measured = z.object({
  ts: z.number(),
  cpu_count: z.number(),
  cpu_used_pct: z.number(),
  mem_used: z.number(),
  mem_total: z.number(),
  mem_cache: z.number().default(0),
  disk_used: z.number(),
  disk_total: z.number(),
});

/** How busy a sandbox was at a moment. */
export interface Metric {
  readonly timestamp: string;
  readonly timestampUnix: number;
  readonly cpuCount: number;
  readonly cpuUsedPct: number;
  readonly memUsed: number;
  readonly memTotal: number;
  readonly memCache: number;
  readonly diskUsed: number;
  readonly diskTotal: number;
}

/** Asks the sandbox itself. */
export async function measure(connection: SandboxConnection): Promise<Metric> {
  const { origin, headers, dispatcher } = connection.endpoint(ENVD_PORT);
  const answer = await request(`${origin}/metrics`, {
    dispatcher,
    headers: { ...headers },
    signal: AbortSignal.timeout(MEASURING_MS),
  });
  const now = measured.parse(JSON.parse(await limitedText(answer.body)));
  // By this machine's clock: that of the sandbox is its own affair.
  const at = Math.floor(Date.now() / 1000);
  return {
    timestamp: new Date(at * 1000).toISOString(),
    timestampUnix: at,
    cpuCount: now.cpu_count,
    cpuUsedPct: now.cpu_used_pct,
    memUsed: now.mem_used,
    memTotal: now.mem_total,
    memCache: now.mem_cache,
    diskUsed: now.disk_used,
    diskTotal: now.disk_total,
  };
}

async function limitedText(body: AsyncIterable<Buffer>): Promise<string> {
  let all = Buffer.alloc(0);
  for await (const chunk of body) {
    all = Buffer.concat([all, chunk]);
    if (all.length > LONGEST_BODY) throw new Error("the sandbox's metrics are too long");
  }
  return all.toString();
}
