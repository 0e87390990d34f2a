import { checkPath } from "../files/path.ts";
import { parseArgument } from "../options.ts";
import { checkSources, userName } from "./arguments.ts";
import { invalid, unsupported } from "./dockerfile-errors.ts";
import { jsonWords, takeFlags } from "./dockerfile-words.ts";
import type { RecipeStep } from "./recipe.ts";

const HINTS: Readonly<Record<string, string>> = {
  from: "There is one stage only: copy from the context, or fetch it by `RUN`.",
  chmod: "Give permission bits as three or four octal digits, such as `--chmod=755`.",
};

/** The step of a `COPY` or `ADD`. @throws `invalid_argument`, `invalid_path`, `unsupported` */
export function copyStep(name: string, text: string, expand: (text: string) => string): RecipeStep {
  const { flags, rest } = takeFlags(text);
  let user: string | undefined;
  let mode: number | undefined;
  for (const [flag, value] of flags) {
    const given = expand(value);
    if (flag === "chown") user = userOf(`${name} --chown`, given);
    else if (flag === "chmod" && /^[0-7]{3,4}$/.test(given)) mode = Number.parseInt(given, 8);
    else if (flag !== "link")
      throw unsupported(
        `\`${name} --${flag}${value && `=${value}`}\``,
        HINTS[flag] ?? "Leave the flag out.",
      );
  }
  const words = (jsonWords(rest) ?? rest.split(/\s+/)).map(expand);
  // It would be the whole context.
  if (words.includes("")) throw invalid(`A path of \`${name}\` is empty`);
  const dest = words.pop();
  if (dest === undefined || words.length === 0)
    throw invalid(`Expected \`${name}\` to name files and where they go`);
  for (const source of words) {
    if (/^[a-z]+:\/\/|^git@/i.test(source))
      throw unsupported(`${name} of a URL`, "Fetch it by `RUN curl` or `RUN git clone`.");
    if (name === "ADD" && /\.(tar(\.\w+)?|tgz|tbz2?|txz)$/i.test(source))
      throw unsupported("ADD of an archive", "`COPY` it, and unpack it by `RUN tar`.");
  }
  // In a Dockerfile, the context is the root of sources.
  const sources = checkSources(words.map((source) => source.replace(/^\/+/, "") || "."));
  return { type: "COPY", sources, dest: checkPath(dest), user, mode };
}

/** A user, who may be followed by the group of the same name. @throws `invalid_argument`, `unsupported` */
export function userOf(name: string, text: string): string {
  const [user, group = user] = text.split(":");
  if (group !== user) {
    throw unsupported(
      `A group other than the user's own in \`${name}\``,
      "Name the user only, and set the group by `RUN chgrp`.",
    );
  }
  return parseArgument(userName, name, user);
}
