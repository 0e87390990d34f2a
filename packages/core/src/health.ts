import { z } from "zod";
import { EmberboxError } from "./errors.ts";
import { parseOptions, requestOptions, type RequestOptions } from "./options.ts";
import { ENVD_PORT } from "./envd.ts";
import type { SandboxConnection } from "./provider.ts";
import { Call } from "./wire/call.ts";
import { readDocument } from "./wire/document.ts";
import { httpError } from "./wire/http-error.ts";

const HEALTH_TIMEOUT_MS = 5_000;

/** How busy a sandbox is. */
export interface SandboxMetrics {
  readonly timestamp: Date;
  /** Percent of one CPU: 100 is one CPU fully used. */
  readonly cpuUsedPct: number;
  readonly cpuCount: number;
  /** Bytes. */
  readonly memUsed: number;
  /** Bytes. */
  readonly memTotal: number;
  /** Bytes of memory that cache files. */
  readonly memCache: number;
  /** Bytes. */
  readonly diskUsed: number;
  /** Bytes. */
  readonly diskTotal: number;
}

const metricsSchema = z.object({
  ts: z.number(),
  cpu_used_pct: z.number().default(0),
  cpu_count: z.number().default(0),
  mem_used: z.number().default(0),
  mem_total: z.number().default(0),
  mem_cache: z.number().default(0),
  disk_used: z.number().default(0),
  disk_total: z.number().default(0),
});

export async function readMetrics(
  connection: SandboxConnection,
  options?: RequestOptions,
): Promise<SandboxMetrics> {
  const call = new Call(connection, parseOptions(requestOptions, options));
  try {
    const answer = await call.begin(async () => {
      const response = await call.send(ENVD_PORT, { method: "GET", path: "/metrics" });
      if (response.statusCode !== 200) throw await httpError(response);
      return readDocument(response.body, { values: 1000, bytes: 64 * 1024 });
    });
    return metricsFrom(answer);
  } catch (error) {
    throw await call.failure(error);
  } finally {
    call[Symbol.dispose]();
  }
}

/** Whether the sandbox answers. @throws only an aborted signal's reason, and `invalid_argument` */
export async function isRunning(
  connection: SandboxConnection,
  options?: RequestOptions,
): Promise<boolean> {
  const checked = { requestTimeoutMs: HEALTH_TIMEOUT_MS, ...parseOptions(requestOptions, options) };
  const call = new Call(connection, checked);
  try {
    return await call.begin(async () => {
      const response = await call.send(ENVD_PORT, { method: "GET", path: "/health" });
      await response.body.dump();
      return response.statusCode < 300;
    });
  } catch {
    checked.signal?.throwIfAborted();
    return false;
  } finally {
    call[Symbol.dispose]();
  }
}

function metricsFrom(answer: unknown): SandboxMetrics {
  try {
    const metrics = metricsSchema.parse(answer);
    return {
      timestamp: new Date(metrics.ts * 1000),
      cpuUsedPct: metrics.cpu_used_pct,
      cpuCount: metrics.cpu_count,
      memUsed: metrics.mem_used,
      memTotal: metrics.mem_total,
      memCache: metrics.mem_cache,
      diskUsed: metrics.disk_used,
      diskTotal: metrics.disk_total,
    };
  } catch (cause) {
    throw new EmberboxError("protocol_error", "The sandbox's metrics are not what was expected", {
      cause,
    });
  }
}
