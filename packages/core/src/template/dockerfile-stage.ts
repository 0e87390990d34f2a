import { posix } from "node:path";
import { checkPath } from "../files/path.ts";
import { parseArgument } from "../options.ts";
import { environment } from "./arguments.ts";
import { copyStep, userOf } from "./dockerfile-copy.ts";
import { invalid, unsupported } from "./dockerfile-errors.ts";
import type { Instruction } from "./dockerfile-lines.ts";
import { expandWords, jsonWords, splitWords, takeFlags } from "./dockerfile-words.ts";
import { quote, shellLine } from "../shell-quote.ts";
import { USUAL_PATH } from "../templates.ts";
import type { TemplateRequest } from "../template-request.ts";
import type { RecipeStep } from "./recipe.ts";

/** What a Dockerfile says. */
export interface ParsedDockerfile {
  /** The template or container image that it begins with. */
  readonly from: TemplateRequest["from"];
  readonly steps: readonly RecipeStep[];
  /** What `ENTRYPOINT` and `CMD` start. */
  readonly startCommand: string | undefined;
}

/** A command as it was written: as a list of words, or as text for a shell. */
type Command = readonly string[] | string;

const IGNORED = new Set(["EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "STOPSIGNAL"]);
const UNSUPPORTED: Readonly<Record<string, string>> = {
  ONBUILD: "Write what it does into the Dockerfiles that begin with this template.",
  SHELL: "Leave it out: commands are run by bash. For another shell, write `RUN sh -c '…'`.",
  VOLUME: "Leave it out: each sandbox has its own copy of every directory.",
};

/** The only stage of a Dockerfile. Errors do not name the line. */
export class DockerfileStage {
  readonly #escape: string;
  readonly #steps: RecipeStep[] = [];
  /** Defaults of the arguments before `FROM`. */
  readonly #globals = new Map<string, string>();
  readonly #args = new Map<string, string>();
  /** Arguments that may have no value. */
  readonly #declared = new Set<string>();
  readonly #envs = new Map([["PATH", USUAL_PATH]]);
  #from: TemplateRequest["from"] | undefined;
  #workdir = "/";
  #hasUser = false;
  #hasWorkdir = false;
  #entrypoint: Command = [];
  #command: Command = [];

  /** @param escape the character that takes away the meaning of others */
  constructor(escape: string) {
    this.#escape = escape;
  }

  /** Adds an instruction. @throws `invalid_argument`, `invalid_path`, `unsupported` */
  add({ name, rest, hasHeredoc }: Instruction, origin: string): void {
    if (hasHeredoc) throw unsupported("A here-document", "Write a script, copy it and run it.");
    if (Object.hasOwn(UNSUPPORTED, name)) throw unsupported(name, UNSUPPORTED[name]!);
    if (this.#from === undefined && name !== "FROM" && name !== "ARG")
      throw invalid(`Expected \`FROM\` before \`${name}\``);
    if (rest === "") throw invalid(`\`${name}\` says nothing`);
    for (const step of this.#stepsOf(name, rest)) this.#steps.push({ ...step, origin });
  }

  /** What has been added, complete. @throws `invalid_argument` without `FROM` */
  finish(): ParsedDockerfile {
    if (this.#from === undefined) throw invalid("A Dockerfile needs `FROM`");
    if (!this.#hasUser) this.#steps.push({ type: "USER", user: "user" });
    // An image's own working directory stays.
    if (!this.#hasWorkdir && !this.#isImage())
      this.#steps.push({ type: "WORKDIR", path: "/home/user" });
    return { from: this.#from, steps: this.#steps, startCommand: this.#startCommand() };
  }

  #stepsOf(name: string, rest: string): readonly RecipeStep[] {
    if (IGNORED.has(name)) return [];
    switch (name) {
      case "FROM":
        return this.#begin(rest);
      case "ARG":
        return this.#declare(rest);
      case "RUN":
        return [{ type: "RUN", command: this.#commandLine(rest) }];
      case "COPY":
      case "ADD":
        return [copyStep(name, rest, (text) => this.#expand(text))];
      case "ENV":
        return [this.#setEnvs(rest)];
      case "WORKDIR":
        this.#hasWorkdir = true;
        return [{ type: "WORKDIR", path: this.#enter(this.#expand(rest)) }];
      case "USER":
        this.#hasUser = true;
        return [{ type: "USER", user: userOf("USER", this.#expand(rest)) }];
      case "ENTRYPOINT":
        this.#entrypoint = jsonWords(rest) ?? rest;
        return [];
      case "CMD":
        this.#command = jsonWords(rest) ?? rest;
        return [];
      default:
        throw invalid(`Unknown instruction \`${name}\``);
    }
  }

  #enter(path: string): string {
    // It is relative to the image's, which only the provider knows.
    if (this.#isImage()) return checkPath(path);
    return (this.#workdir = checkPath(path && posix.resolve(this.#workdir, path)));
  }

  #isImage(): boolean {
    return typeof this.#from === "object";
  }

  #begin(text: string): readonly RecipeStep[] {
    if (this.#from !== undefined)
      throw unsupported("A second stage", "Build what it copies in one stage, or beforehand.");
    const { flags, rest } = takeFlags(text);
    if (flags.length > 0) throw unsupported(`\`FROM --${flags[0]![0]}\``, "Leave the flag out.");
    const [, image] = /^(\S+)(?:\s+AS\s+\S+)?$/i.exec(rest) ?? [];
    if (image === undefined)
      throw invalid("Expected `FROM` to be followed by the name of a template or an image");
    const from = this.#expand(image);
    const template = /^(?:emberbox\/)?([A-Za-z0-9][\w.-]{0,127})$/.exec(from)?.[1];
    if (template === undefined && !/[:/@]/.test(from))
      throw invalid(
        `Expected \`FROM\` to name a template or an image, got ${JSON.stringify(from)}`,
      );
    this.#from = template ?? { image: from };
    if (template === undefined) return [{ type: "USER", user: "root" }];
    return [
      { type: "USER", user: "root" },
      { type: "WORKDIR", path: "/" },
    ];
  }

  #declare(rest: string): readonly RecipeStep[] {
    for (const word of splitWords(rest, this.#escape)) {
      const [, name, given] = /^([A-Za-z_]\w*)(?:=(.*))?$/s.exec(word) ?? [];
      if (name === undefined) throw invalid(`Expected \`ARG\` to name a variable, got ${word}`);
      this.#declared.add(name);
      const value = given === undefined ? this.#globals.get(name) : this.#expand(given);
      if (value === undefined && /^(TARGET|BUILD)(PLATFORM|OS|ARCH|VARIANT)$/.test(name))
        throw unsupported(`\`ARG ${name}\``, "Give it a default, or ask `uname -m` in `RUN`.");
      if (value !== undefined)
        (this.#from === undefined ? this.#globals : this.#args).set(name, value);
    }
    return [];
  }

  /** Arguments are variables of the command only, and those of `ENV` go before them. */
  #commandLine(text: string): string {
    const { flags, rest } = takeFlags(text);
    // What a cache has is never needed.
    const other = flags.find(([name, value]) => name !== "mount" || !/\btype=cache\b/.test(value));
    if (other !== undefined) throw unsupported(`\`RUN --${other[0]}\``, "Leave the flag out.");
    if (rest === "") throw invalid("`RUN` has no command");
    const words = jsonWords(rest);
    const command = words === undefined ? rest : shellLine(words);
    const set = [...this.#args].filter(([name]) => !this.#envs.has(name));
    const exports = set.map(([name, value]) => ` ${name}=${quote(value)}`).join("");
    return exports === "" ? command : `export${exports}; ${command}`;
  }

  #setEnvs(rest: string): RecipeStep {
    const words = splitWords(rest, this.#escape);
    const [, name, value] = /^(\S+)\s+(.+)$/s.exec(rest) ?? [];
    // The old form has one variable, and no `=`.
    const isOld = name !== undefined && !words[0]!.includes("=");
    const pairs = isOld ? [`${name}=${value}`] : words;
    const envs: Record<string, string> = {};
    for (const pair of pairs) {
      const at = pair.indexOf("=");
      if (at < 1) throw invalid(`Expected \`ENV\` to be followed by NAME=value, got ${pair}`);
      envs[this.#expand(pair.slice(0, at))] = this.#expand(pair.slice(at + 1));
    }
    parseArgument(environment, "ENV", envs);
    for (const [name, value] of Object.entries(envs)) this.#envs.set(name, value);
    return { type: "ENV", envs };
  }

  #expand(text: string): string {
    const lookup =
      this.#from === undefined
        ? (name: string) => this.#globals.get(name)
        : (name: string) => this.#envs.get(name) ?? this.#args.get(name) ?? this.#ofImage(name);
    return expandWords(text, lookup, this.#escape);
  }

  /** An image's own variables are not known before it is fetched; where it has programs usually is. */
  #ofImage(name: string): undefined {
    if (this.#isImage() && !this.#declared.has(name))
      throw unsupported(
        `\`$${name}\`, which is not set before in the file`,
        "Write the value, or declare it by `ENV` or `ARG`; commands of `RUN` see the image's variables.",
      );
  }

  /** The words of `CMD` are arguments of those of `ENTRYPOINT`; one that is text ignores them. */
  #startCommand(): string | undefined {
    if (typeof this.#entrypoint === "string") return this.#entrypoint;
    const isAlone = this.#entrypoint.length === 0;
    if (typeof this.#command === "string" && isAlone) return this.#command;
    const given =
      typeof this.#command === "string" ? ["/bin/sh", "-c", this.#command] : this.#command;
    return shellLine([...this.#entrypoint, ...given]) || undefined;
  }
}
