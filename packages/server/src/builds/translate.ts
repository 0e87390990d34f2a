import { posix } from "node:path";
import type { TemplateRequest, TemplateStep } from "@emberbox/core/template";
import type { z } from "zod";
import { ApiError } from "../api-error.ts";
import type * as schemas from "../control/schemas.ts";

type Asked = z.output<typeof schemas.templateBuild>;
type AskedStep = NonNullable<Asked["steps"]>[number];

/** What a build begins as, in E2B as well as here. */
const USER = "user";
const WORKDIR = "/home/user";
const user = /^[\w.-]{1,64}$/;
const isPattern = (part: string): boolean => /[*?[\]{}]|[@+!]\(/.test(part);

/**
 * What E2B's SDKs ask for, as a provider builds it. `archiveOf` says where what was uploaded is. A container image, which
 * `isImage` is about, has its own working directory. @throws 400
 */
export function translate(
  asked: Asked,
  archiveOf: (hash: string) => string,
  isImage = false,
): Omit<TemplateRequest, "from"> {
  const { startCmd, readyCmd, force } = asked;
  const steps = asked.steps ?? [];
  const fresh = force ? 0 : steps.findIndex((step) => step.force);
  return {
    steps: translateSteps(steps, archiveOf, isImage ? undefined : WORKDIR),
    ...(fresh >= 0 && { freshFrom: fresh }),
    ...(startCmd && { startCommand: startCmd }),
    ...(readyCmd && { readyCommand: readyCmd }),
  };
}

/** Hashes of the files that a build copies. */
export function hashesOf({ steps }: Asked): Set<string> {
  return new Set((steps ?? []).flatMap(({ filesHash }) => filesHash ?? []));
}

/** A path that may be relative to one that is not known. */
const within = (workdir: string | undefined, path: string): string =>
  workdir === undefined && !path.startsWith("/")
    ? posix.normalize(path)
    : posix.resolve(workdir ?? "/", path);

/** Paths become absolute where that is possible, since each may be relative to the one before. */
function translateSteps(
  steps: readonly AskedStep[],
  archiveOf: (hash: string) => string,
  begin: string | undefined,
): TemplateStep[] {
  let owner = USER;
  let workdir = begin;
  return steps.map((step, index) => {
    const { type, args } = step;
    const refuse = (why: string): never => {
      throw new ApiError(400, `Invalid request: steps.${index}: ${type} ${why}`);
    };
    const [first = "", second = ""] = args;
    const demand = (isRight: boolean, why: string): void => void (isRight || refuse(why));
    switch (type) {
      case "RUN":
        demand(first !== "" && args.length <= 2, "takes a command, and perhaps a user");
        demand(second === "" || user.test(second), `knows no user ${JSON.stringify(second)}`);
        return { type, command: first, ...(second !== "" && { user: second }) };
      case "ENV": {
        demand(args.length > 0 && args.length % 2 === 0, "takes names and values in turn");
        const envs = args.flatMap((name, at) => (at % 2 === 0 ? [[name, args[at + 1]!]] : []));
        demand(
          envs.every(([name]) => /^[^=]+$/.test(name!)),
          "takes names that have no `=` and are not empty",
        );
        return { type, envs: Object.fromEntries(envs) as Record<string, string> };
      }
      case "WORKDIR":
        demand(first !== "" && args.length === 1, "takes a path");
        if (workdir !== undefined || first.startsWith("/")) workdir = within(workdir, first);
        return { type, path: workdir ?? within(workdir, first) };
      case "USER":
        demand(user.test(first) && args.length === 1, "takes the name of a user");
        owner = first;
        return { type, user: first };
      case "COPY":
        return unpack(step, { owner, workdir, archiveOf, demand });
      default:
        return refuse("is no step that is known here; there are RUN, COPY, ENV, WORKDIR and USER");
    }
  });
}

interface CopyContext {
  readonly owner: string;
  readonly workdir: string | undefined;
  readonly archiveOf: (hash: string) => string;
  readonly demand: (isRight: boolean, why: string) => void;
}

function unpack(
  { args, filesHash }: AskedStep,
  { owner, workdir, archiveOf, demand }: CopyContext,
): TemplateStep {
  const [src = "", dest = "", given = "", mode = ""] = args;
  demand(src !== "" && dest !== "" && args.length <= 4, "takes a source and a destination");
  demand(filesHash != null, "needs `filesHash`, which names what was uploaded");
  const source = posix.normalize(src);
  demand(
    !source.startsWith("/") && !source.split("/").includes(".."),
    "takes a source within the context",
  );
  // Groups are those of the users.
  const [name = "", group = name] = given.split(":");
  demand(
    given === "" || (user.test(name) && group === name),
    `cannot give files to ${JSON.stringify(given)}: name a user`,
  );
  demand(/^[0-7]{0,4}$/.test(mode), "takes a mode of up to four octal digits");
  const to = within(workdir, dest);
  return {
    type: "UNPACK",
    src: withoutPattern(source),
    dest: dest.endsWith("/") && to !== "/" ? `${to.replace(/\/$/, "")}/` : to,
    archive: archiveOf(filesHash!),
    digest: filesHash!,
    user: name === "" ? owner : name,
    ...(mode !== "" && { mode: Number.parseInt(mode, 8) }),
  };
}

/** The client has chosen the files: what is above them is copied, which has nothing else in the archive. */
function withoutPattern(source: string): string {
  const parts = source.split("/");
  const at = parts.findIndex(isPattern);
  return at === -1 ? source : parts.slice(0, at).join("/") || ".";
}
