import { resolve } from "node:path";
import { EmberboxError } from "../errors.ts";
import { checkPath } from "../files/path.ts";
import { parseArgument } from "../options.ts";
import { shellLine } from "../shell-quote.ts";
import { DEFAULT_TEMPLATE, MCP_TEMPLATE } from "../templates.ts";
import * as check from "./arguments.ts";
import * as options from "./builder-options.ts";
import * as line from "./command-lines.ts";
import { parseDockerfile, readDockerfile } from "./dockerfile.ts";
import { callerOf } from "./origin.ts";
import type { TemplateRequest } from "../template-request.ts";
import type { Recipe, RecipeStep } from "./recipe.ts";

type Method = (...args: never[]) => unknown;

/**
 * Begins a template of one's own. Unless a `from…` method says otherwise, it is made from the template `default`.
 * @throws `invalid_argument`
 */
export function Template(given?: options.TemplateOptions): TemplateBuilder {
  const { fileContextPath = ".", fileIgnorePatterns = [] } = options.checkTemplate(given);
  return new TemplateBuilder(resolve(fileContextPath), fileIgnorePatterns);
}

/**
 * What is done to make a template, step by step. Each method checks its arguments, writes down what is to be done and
 * returns the builder; nothing happens before the template is built. Paths, names and packages mean exactly what they
 * say, without wildcards, `~` or variables of the shell; `runCmd` takes those.
 */
export class TemplateBuilder {
  readonly #contextPath: string;
  readonly #ignorePatterns: readonly string[];
  readonly #steps: RecipeStep[] = [];
  #from: TemplateRequest["from"] = DEFAULT_TEMPLATE;
  #freshFrom: number | undefined;
  #startCommand: string | undefined;
  #readyCommand: string | undefined;

  /** @internal Use `Template()` instead of creating one. */
  constructor(contextPath: string, ignorePatterns: readonly string[]) {
    this.#contextPath = contextPath;
    this.#ignorePatterns = ignorePatterns;
  }

  /** @internal What has been written down. */
  get recipe(): Recipe {
    return {
      from: this.#from,
      steps: [...this.#steps],
      freshFrom: this.#freshFrom,
      startCommand: this.#startCommand,
      readyCommand: this.#readyCommand,
      contextPath: this.#contextPath,
      ignorePatterns: this.#ignorePatterns,
    };
  }

  /** Begins with the template `default`. @throws `invalid_argument` after a step */
  fromBaseImage(): this {
    return this.fromTemplate(DEFAULT_TEMPLATE);
  }

  /** Begins with a template, one's own or the provider's. @throws `invalid_argument`, also after a step */
  fromTemplate(name: string): this {
    return this.#begin(parseArgument(check.templateName, "name", name));
  }

  /**
   * Begins with what a Dockerfile says. It has one stage, begins `FROM` a template or a container image (what has a `:`,
   * `/` or `@`), and copies from the context.
   * @param contentOrPath the text, when it has several lines or begins with `FROM`; otherwise the path of a file
   * @throws `file_not_found`; `invalid_argument`, `invalid_path` and `unsupported` naming the line
   */
  fromDockerfile(contentOrPath: string): this {
    const { content, name } = readDockerfile(check.checkText("contentOrPath", contentOrPath));
    const { from, steps, startCommand } = parseDockerfile(content, name);
    this.#begin(from);
    this.#steps.push(...steps);
    this.#startCommand = startCommand ?? this.#startCommand;
    return this;
  }

  /**
   * Begins with a container image that is made of Debian or Ubuntu: `NAME[:TAG][@DIGEST]` as in Docker,
   * `oci:DIRECTORY[:TAG]` or `docker-archive:FILE[:TAG]`. Its variables, working directory and user are those that the
   * steps begin with; what it would start is not started.
   * @param credentials for its registry. @default what `docker login` or `skopeo login` have kept
   * @throws `invalid_argument`, also after a step
   */
  fromImage(image: string, credentials?: options.ImageCredentials): this {
    const name = check.checkText("image", image);
    return this.#begin({ image: name, ...options.checkCredentials(credentials) });
  }

  /** Begins with Docker Hub's `python`. @throws `invalid_argument` */
  fromPythonImage(version = "3"): this {
    return this.fromImage(`python:${check.checkText("version", version)}`);
  }

  /** Begins with Docker Hub's `node`. @throws `invalid_argument` */
  fromNodeImage(version = "lts"): this {
    return this.fromImage(`node:${check.checkText("version", version)}`);
  }

  /** Begins with Docker Hub's `debian`. @throws `invalid_argument` */
  fromDebianImage(version = "stable"): this {
    return this.fromImage(`debian:${check.checkText("version", version)}`);
  }

  /** Begins with Docker Hub's `ubuntu`. @throws `invalid_argument` */
  fromUbuntuImage(version = "latest"): this {
    return this.fromImage(`ubuntu:${check.checkText("version", version)}`);
  }

  /** Begins with Docker Hub's `oven/bun`. @throws `invalid_argument` */
  fromBunImage(version = "latest"): this {
    return this.fromImage(`oven/bun:${check.checkText("version", version)}`);
  }

  /**
   * Copies files and directories from the context. What is in a directory goes into `dest`; a file becomes `dest` or,
   * when that ends with `/` or there are several sources, goes into it.
   * @param src paths and patterns (`*`, `?`, `[a-z]`, `**`) relative to the context
   * @throws `invalid_argument`, `invalid_path`
   */
  copy(src: string | readonly string[], dest: string, given?: options.CopyOptions): this {
    return this.#add(this.copy, copyStep(src, dest, given));
  }

  /** Copies one after the other, as `copy` does. @throws `invalid_argument`, `invalid_path` */
  copyItems(items: readonly options.CopyItem[]): this {
    const steps = options
      .checkItems(items)
      .map(({ src, dest, ...given }) => copyStep(src, dest, given));
    return this.#add(this.copyItems, ...steps);
  }

  /** Removes files and directories of the template. @throws `invalid_argument`, `invalid_path` */
  remove(path: string | readonly string[], given?: options.RemoveOptions): this {
    const { user, ...how } = options.checkRemove(given);
    return this.#run(this.remove, line.removeLine(check.checkPaths(path), how), user);
  }

  /** Renames or moves a file or directory. @throws `invalid_argument`, `invalid_path` */
  rename(src: string, dest: string, given?: options.ReplaceOptions): this {
    const { user, force } = options.checkReplace(given);
    const paths = [checkPath(src), checkPath(dest)] as const;
    return this.#run(this.rename, line.renameLine(...paths, force), user);
  }

  /** Makes directories, with those above them. @throws `invalid_argument`, `invalid_path` */
  makeDir(path: string | readonly string[], given?: options.MakeDirOptions): this {
    const { user, mode } = options.checkMakeDir(given);
    return this.#run(this.makeDir, line.makeDirLine(check.checkPaths(path), mode), user);
  }

  /** Makes a symbolic link at `dest` that points to `src`. @throws `invalid_argument`, `invalid_path` */
  makeSymlink(src: string, dest: string, given?: options.ReplaceOptions): this {
    const { user, force } = options.checkReplace(given);
    const paths = [checkPath(src), checkPath(dest)] as const;
    return this.#run(this.makeSymlink, line.makeSymlinkLine(...paths, force), user);
  }

  /** Runs a command line by bash; several are joined by `&&`. A failure ends the build. @throws `invalid_argument` */
  runCmd(command: string | readonly string[], given?: options.StepOptions): this {
    const joined = check.checkList("command", command).join(" && ");
    return this.#run(this.runCmd, joined, options.checkStep(given).user);
  }

  /** Sets the working directory of the steps that follow, and of sandboxes. @throws `invalid_path` */
  setWorkdir(path: string): this {
    return this.#add(this.setWorkdir, { type: "WORKDIR", path: checkPath(path) });
  }

  /** Sets the user of the steps that follow, and of sandboxes. @throws `invalid_argument` */
  setUser(user: string): this {
    return this.#add(this.setUser, {
      type: "USER",
      user: parseArgument(check.userName, "user", user),
    });
  }

  /** Sets environment variables for the steps that follow, and for sandboxes. @throws `invalid_argument` */
  setEnvs(envs: Readonly<Record<string, string>>): this {
    return this.#add(this.setEnvs, {
      type: "ENV",
      envs: parseArgument(check.environment, "envs", envs),
    });
  }

  /** Installs Python packages; without any, the project in the working directory. @throws `invalid_argument` */
  pipInstall(packages?: string | readonly string[], given?: options.PipInstallOptions): this {
    const { g = true } = options.checkPip(given);
    const names = packages === undefined ? ["."] : check.checkList("packages", packages);
    return this.#run(this.pipInstall, line.pipLine(names, g), g ? "root" : undefined);
  }

  /** Installs npm packages; without any, those of the project in the working directory. @throws `invalid_argument` */
  npmInstall(packages?: string | readonly string[], given?: options.NpmInstallOptions): this {
    const how = options.checkNpm(given);
    const names = packages === undefined ? [] : check.checkList("packages", packages);
    return this.#run(this.npmInstall, line.npmLine(names, how), how.g ? "root" : undefined);
  }

  /** Installs Debian packages, as root. @throws `invalid_argument` */
  aptInstall(packages: string | readonly string[], given?: options.AptInstallOptions): this {
    const how = options.checkApt(given);
    const names = check.checkList("packages", packages);
    return this.#run(this.aptInstall, line.aptLine(names, how), "root");
  }

  /** Clones a repository into `path`, or a directory of its name. @throws `invalid_argument`, `invalid_path` */
  gitClone(url: string, path?: string, given?: options.GitCloneOptions): this {
    const { user, ...how } = options.checkGitClone(given);
    const to = path === undefined ? undefined : checkPath(path);
    const command = line.gitCloneLine(check.checkText("url", url), to, how);
    return this.#run(this.gitClone, command, user);
  }

  /**
   * Installs MCP servers that are known by these names, so that sandboxes with `mcp` start them at once; only after
   * `fromTemplate("mcp-gateway")`. @throws `invalid_argument`
   */
  addMcpServer(servers: string | readonly string[]): this {
    const names = check.checkList("servers", servers);
    if (this.#from !== MCP_TEMPLATE) {
      const what = `MCP servers can be added after \`fromTemplate("${MCP_TEMPLATE}")\``;
      throw new EmberboxError("invalid_argument", what);
    }
    return this.#run(this.addMcpServer, shellLine(["mcp-gateway", "pull", ...names]), "root");
  }

  /** From the next step on, nothing of earlier builds is used. */
  skipCache(): this {
    this.#freshFrom ??= this.#steps.length;
    return this;
  }

  /**
   * Starts a program that runs in every sandbox from the beginning, with what it has in memory by then.
   * @param ready a command that exits with 0 once the program is ready, such as of `waitForPort`
   * @throws `invalid_argument`
   */
  setStartCmd(command: string, ready?: string): this {
    const checked = check.checkText("command", command);
    if (ready !== undefined) this.setReadyCmd(ready);
    this.#startCommand = checked;
    return this;
  }

  /** Sets the command that exits with 0 once a sandbox is ready to be saved. @throws `invalid_argument` */
  setReadyCmd(ready: string): this {
    this.#readyCommand = check.checkText("ready", ready);
    return this;
  }

  #begin(from: TemplateRequest["from"]): this {
    if (this.#steps.length > 0) {
      throw new EmberboxError(
        "invalid_argument",
        "What a template is made from has to be said before its steps",
      );
    }
    this.#from = from;
    return this;
  }

  #run(method: Method, command: string, user: string | undefined): this {
    return this.#add(method, { type: "RUN", command, user });
  }

  #add(method: Method, ...steps: readonly RecipeStep[]): this {
    const origin = callerOf(method);
    for (const step of steps) this.#steps.push({ ...step, origin });
    return this;
  }
}

function copyStep(
  src: string | readonly string[],
  dest: string,
  given: options.CopyOptions | undefined,
): RecipeStep {
  const sources = check.checkSources(src);
  return {
    type: "COPY",
    sources,
    dest: checkPath(dest),
    ...options.checkCopy(given),
  };
}
