import { existsSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { WAITING_PATH } from "@emberbox/wire";
import type { AgentContext } from "../context.ts";
import type { CodeContext } from "./code-context.ts";
import { Contexts } from "./contexts.ts";
import { Execution } from "./execution.ts";
import { BashLanguage } from "./bash.ts";
import { JavaScriptLanguage } from "./javascript.ts";
import { IMAGE_TOOLS } from "../image-tools.ts";
import { JavaScriptProcesses } from "./javascript-process.ts";
import { JupyterLanguages } from "./jupyter/index.ts";
import type { Language } from "./language.ts";
import { PythonLanguage } from "./python.ts";
import {
  executionRequest,
  HttpProblem,
  optionalString,
  readJson,
  sendJson,
  sendProblem,
} from "./request.ts";
import { whereAllWait } from "./waiting.ts";
import { warmCalls } from "./warm.ts";

/** What core's `userPath` makes. */
const OF_USER = /^\/users\/([^/]+)(\/(?:execute|contexts))$/;

/** E2B's code-interpreter protocol, and what has to happen to it around a snapshot. */
export interface Interpreter {
  handler(request: IncomingMessage, response: ServerResponse): void;
  /** This machine is a different one now: its kernels get new seeds and variables. */
  restored(): void;
  close(): void;
}

/**
 * With `warm`, resolves when the default contexts of Python and JavaScript are ready; otherwise they start on first
 * use.
 */
export async function createInterpreter(
  context: AgentContext,
  { warm }: { readonly warm: boolean },
): Promise<Interpreter> {
  const directory = process.env["EMBERBOX_AGENT_DIR"] ?? dirname(fileURLToPath(import.meta.url));
  const home = `/home/${context.defaultUser}`;
  const python = new PythonLanguage({ directory, home, context, imports: warm ? "now" : "later" });
  const processes = new JavaScriptProcesses({ directory, home, context });
  const javascript = new JavaScriptLanguage("javascript", ["js", "node", "nodejs"], processes);
  const typescript = new JavaScriptLanguage("typescript", ["ts"], processes);
  const languages = [python, javascript, typescript, new BashLanguage()];
  const taken = new Set(languages.flatMap(({ name, aliases }) => [name, ...aliases]));
  const jupyter = new JupyterLanguages({ directory, context, taken });
  const contexts = new Contexts({
    languages,
    jupyter,
    home,
    envs: () => context.envs,
    defaultUser: context.defaultUser,
    log: context.log,
  });

  const handler = (request: IncomingMessage, response: ServerResponse): void => {
    route(request, response).catch((error: unknown) => sendProblem(response, error));
  };

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const whole = request.url!.split("?", 1)[0]!;
    const ofUser = request.method === "POST" ? OF_USER.exec(whole) : null;
    const path = ofUser?.[2] ?? whole;
    const user = ofUser === null ? undefined : decode(ofUser[1]!);
    if (path === "/execute" && request.method === "POST") {
      execute(await readJson(request), response, user);
    } else if (path === "/health") {
      sendJson(response, 200, "OK");
    } else if (path === WAITING_PATH && request.method === "GET") {
      sendJson(response, 200, whereAllWait() ?? null);
    } else if (path === "/contexts" || path.startsWith("/contexts/")) {
      await routeContexts(request, response, path, user);
    } else {
      throw new HttpProblem(404, "Not found", true);
    }
  }

  function execute(
    body: Record<string, unknown>,
    response: ServerResponse,
    user: string | undefined,
  ): void {
    const execution = new Execution(executionRequest(body), response);
    const target = contextOf(body, user);
    if (response.destroyed) return;
    response.setHeader("Content-Type", "application/x-ndjson");
    response.setHeader("Emberbox-Deadline", "true");
    if (!target.submit(execution))
      throw new HttpProblem(429, "Too many executions wait in this context.");
  }

  /** Makes first calls as fast as later ones, and leaves no trace of it. */
  async function warmUp(): Promise<void> {
    const there: Language[] = (await hasPython()) ? languages : languages.slice(1);
    const defaults = there
      .filter((language) => language === python || language === javascript)
      .map((language) => contexts.defaultOf(language));
    await Promise.all(defaults.map((one) => one.start()));
    await warmCalls(
      handler,
      defaults.map(({ language }) => language.name),
    );
    await Promise.all(there.map((language) => language.warm()));
    await Promise.all(defaults.map((one) => one.reset()));
  }

  /** The default template has Python; a container image may have none, or one that cannot run cells. */
  async function hasPython(): Promise<boolean> {
    if (!existsSync(IMAGE_TOOLS)) return true;
    try {
      await contexts.defaultOf(python).start();
      return true;
    } catch (error) {
      context.log(`there are no cells of Python: ${(error as Error).message}`);
      return false;
    }
  }

  /** What code is in that names no language: what the template or the sandbox says by its variables. */
  const usualLanguage = (): string => context.envs["EMBERBOX_LANGUAGE"] || "python";

  /** A context that is named has a user already. */
  function contextOf(body: Record<string, unknown>, user: string | undefined): CodeContext {
    const id = optionalString(body, "context_id");
    const language = optionalString(body, "language");
    if (id !== undefined && language !== undefined)
      throw new HttpProblem(400, "Only one of context_id or language can be provided", true);
    if (id !== undefined) return contexts.find(id);
    return contexts.defaultOf(contexts.language(language ?? usualLanguage(), user), user);
  }

  async function routeContexts(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    user: string | undefined,
  ): Promise<void> {
    const [, , id, verb, rest] = path.split("/");
    const call = `${request.method} ${id ? (verb === undefined ? "one" : verb) : "all"}`;
    if (rest !== undefined) throw new HttpProblem(404, "Not found", true);
    switch (call) {
      case "GET all":
        return sendJson(response, 200, contexts.all().map(describe));
      case "POST all": {
        const body = await readJson(request);
        const language = contexts.language(
          optionalString(body, "language") ?? usualLanguage(),
          user,
        );
        const made = await contexts.create(language, optionalString(body, "cwd"), user);
        return sendJson(response, 200, describe(made));
      }
      case "DELETE one":
        contexts.remove(decode(id!));
        return void response.writeHead(204).end();
      case "POST restart":
        await contexts.find(decode(id!)).restart();
        return void response.writeHead(204).end();
      default:
        throw new HttpProblem(404, "Not found", true);
    }
  }

  if (warm) await warmUp();
  return {
    handler,
    restored() {
      for (const one of contexts.all()) one.restored();
    },
    close() {
      for (const one of contexts.all()) one.remove();
      for (const language of languages) language.close();
    },
  };
}

function describe({ id, language, cwd, user }: CodeContext): Record<string, string> {
  return { id, language: language.name, cwd, user };
}

function decode(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}
