import { randomBytes, randomUUID } from "node:crypto";
import { EmberboxError } from "@emberbox/core";
import type { BuildTemplateOptions, BuiltTemplate, TemplateRequest } from "@emberbox/core/template";
import type { Logger } from "pino";
import { ApiError, toApiError } from "../api-error.ts";
import type { Sandboxes } from "../sandboxes.ts";
import type { Caller } from "../tenants.ts";
import { BuildLog } from "./log.ts";
import type { BuildRow, BuildRows } from "./rows.ts";

const MOST_RUNNING = 2;
const MOST_WAITING = 20;
/** Builds that are remembered. Each may have a long log. */
const MOST_REMEMBERED = 40;
/** Files that one build may ask for. */
const MOST_FILES = 1000;
/** How long a build may run, in ms. */
const BUILD_MS = 2 * 60 * 60 * 1000;
const RETRY_AFTER_SECONDS = 10;

/** One build of a template. */
export interface Build {
  readonly id: string;
  readonly template: string;
  /** What it gets once it is built. */
  readonly tags: readonly string[];
  /** When it was asked for, in ms. */
  readonly createdAt: number;
  readonly shape: Pick<BuildTemplateOptions, "memoryMB" | "cpuCount" | "minFreeDiskMB">;
  readonly log: BuildLog;
  /** `asked` until it is started, while its files come. */
  state: "asked" | "waiting" | "building" | "ready" | "error";
  /** Why it failed. */
  reason?: string;
  /** By the hash of files that it waits for, the token to send them with. */
  readonly files: Map<string, string>;
}

/** The builds that clients have asked this server for. A few run at a time. */
export class Builds {
  readonly #sandboxes: Pick<Sandboxes, "build">;
  readonly #log: Logger;
  readonly #rows: BuildRows;
  /** The oldest first. */
  readonly #builds = new Map<string, Build>();
  readonly #waiting: { readonly build: Build; readonly work: () => Promise<void> }[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #closing = new AbortController();

  constructor(sandboxes: Pick<Sandboxes, "build">, rows: BuildRows, log: Logger) {
    this.#sandboxes = sandboxes;
    this.#rows = rows;
    this.#log = log;
  }

  ask(template: string, tags: readonly string[], shape: Build["shape"]): Build {
    this.#forgetSome();
    const id = randomUUID();
    const build: Build = {
      ...{ id, template, tags, shape, createdAt: Date.now(), log: new BuildLog() },
      ...{ state: "asked", files: new Map() },
    };
    this.#builds.set(id, build);
    this.#note(build);
    return build;
  }

  /** What is still known of a build whose log is not. */
  findRow(template: string, id: string): BuildRow | undefined {
    const row = this.#rows.get(id);
    return row?.template === template && !this.#builds.has(id) ? row : undefined;
  }

  /** @throws 404 */
  find(template: string, id: string): Build {
    const build = this.#builds.get(id);
    if (build?.template === template) return build;
    throw new ApiError(
      404,
      `There is no build ${id} of the template '${template}' here, or no longer`,
    );
  }

  /** The token to send files with, which are for any build of the template that was not started. @throws 404, 400 */
  expectFiles(template: string, hash: string): string {
    const asked = [...this.#builds.values()].filter(
      (build) => build.template === template && build.state === "asked",
    );
    if (asked.length === 0)
      throw new ApiError(404, `No build of the template '${template}' waits for files`);
    const known = asked.map(({ files }) => files.get(hash)).find((token) => token !== undefined);
    const token = known ?? randomBytes(32).toString("hex");
    for (const { files } of asked) {
      if (!files.has(hash) && files.size >= MOST_FILES)
        throw new ApiError(400, `A build may copy at most ${MOST_FILES} times`);
      files.set(hash, token);
    }
    return token;
  }

  /** @throws 403 for files that no build waits for, or a wrong token */
  demandExpected(template: string, hash: string, token: string): void {
    for (const build of this.#builds.values())
      if (build.template === template && build.state === "asked" && build.files.get(hash) === token)
        return;
    throw new ApiError(403, "No build waits for these files, or the token of the URL is wrong");
  }

  /** Hashes of files that builds still need. */
  usedFiles(): Set<string> {
    const hashes = new Set<string>();
    for (const { state, files } of this.#builds.values())
      if (!isOver(state)) for (const hash of files.keys()) hashes.add(hash);
    return hashes;
  }

  /** Begins a build, now or when others are done. `requestOf` says what is to be built. @throws 409, 429, 503 */
  start(build: Build, caller: Caller, requestOf: () => Promise<TemplateRequest>): void {
    if (this.#closing.signal.aborted) throw new ApiError(503, "The server is shutting down");
    if (build.state !== "asked")
      throw new ApiError(409, `The build ${build.id} was started before`);
    if (this.#waiting.length >= MOST_WAITING)
      throw new ApiError(
        429,
        `${MOST_RUNNING} builds are running and ${MOST_WAITING} are waiting: try again later`,
        RETRY_AFTER_SECONDS,
      );
    build.state = "waiting";
    this.#note(build);
    this.#waiting.push({ build, work: () => this.#run(build, caller, requestOf) });
    this.#next();
  }

  /** Ends those that run. */
  async close(): Promise<void> {
    this.#closing.abort(new ApiError(503, "The server is shutting down"));
    // Those that wait begin, and end at once.
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #next(): void {
    while (this.#running.size < MOST_RUNNING) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      const running = next.work().finally(() => {
        this.#running.delete(running);
        this.#next();
      });
      this.#running.add(running);
    }
  }

  /** Never rejects. */
  async #run(
    build: Build,
    caller: Caller,
    requestOf: () => Promise<TemplateRequest>,
  ): Promise<void> {
    const { id, template: name, tags, shape, log } = build;
    const late = new AbortController();
    const timer = setTimeout(
      () =>
        late.abort(new ApiError(504, `The build took longer than ${BUILD_MS / 60_000} minutes`)),
      BUILD_MS,
    );
    const signal = AbortSignal.any([this.#closing.signal, late.signal]);
    try {
      signal.throwIfAborted();
      build.state = "building";
      this.#note(build);
      const onBuildLogs: BuildTemplateOptions["onBuildLogs"] = (event) => log.add(event);
      const request = await requestOf();
      const options = { name, tags, ...shape, signal, onBuildLogs };
      const built = await this.#sandboxes.build(caller, request, options);
      log.end("info", `The template ${name} is ready`);
      build.state = "ready";
      this.#note(build, built);
      this.#log.info({ build: id, template: name }, "a template was built");
    } catch (error) {
      const cause: unknown = signal.aborted ? signal.reason : error;
      build.reason = toApiError(cause).message;
      log.end("error", build.reason);
      build.state = "error";
      this.#note(build);
      const isTold = cause instanceof ApiError || EmberboxError.isInstance(cause);
      this.#log[isTold ? "info" : "error"](
        { build: id, template: name, err: cause },
        "a build failed",
      );
    } finally {
      clearTimeout(timer);
    }
  }

  /** Writes down how far a build is. */
  #note(build: Build, built?: BuiltTemplate): void {
    const { id, template, state, reason, createdAt } = build;
    const { memoryMB, cpuCount } = built ?? build.shape;
    try {
      this.#rows.put({
        ...{ buildId: id, template, state, reason: reason ?? null, createdAt },
        finishedAt: isOver(state) ? Date.now() : null,
        ...{ built: built?.buildId ?? null, sizeBytes: built?.sizeBytes ?? null },
        ...{ memoryMB: memoryMB ?? null, cpuCount: cpuCount ?? null },
      });
    } catch (error) {
      // What it does is more than what is remembered of it; and the server may be gone before it ends.
      this.#log.error({ build: id, err: error }, "a build could not be written down");
    }
  }

  /** The oldest of those that are over, or were never started. */
  #forgetSome(): void {
    for (const { id, state } of this.#builds.values()) {
      if (this.#builds.size < MOST_REMEMBERED) return;
      if (isOver(state) || state === "asked") this.#builds.delete(id);
    }
  }
}

const isOver = (state: Build["state"]): boolean => state === "ready" || state === "error";
