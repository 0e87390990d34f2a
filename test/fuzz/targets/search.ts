import { matchesIn } from "../../../packages/langchain/src/deepagents/search.ts";
import { check, type Target } from "../target.ts";

/** What `grep` prints in a sandbox. */
export const target: Target = {
  refuses: () => false,
  maxBytes: 65_536,
  words: ["./a\u00001:text\n", "\0", ":", "\n"],
  run(input) {
    const output = input.toString("latin1");
    const matches = matchesIn(output, "/base");
    check(matches.length <= output.split("\n").length, "more matches than lines");
    for (const { path, line, text } of matches) {
      check(Number.isSafeInteger(line), "a line that is no number");
      check(!text.includes("\n") && text.length <= 2000, "a text that is more than a line");
      check(!path.includes("\0"), "a path that is none");
    }
  },
};
