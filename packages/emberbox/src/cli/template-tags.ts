import type { Command } from "commander";
import { Template } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";
import { EXIT, type Finish, say } from "./failure.ts";

/** `emberbox template tag` and `untag`. */
export function addTemplateTags(template: Command, finish: Finish): void {
  template
    .command("tag")
    .summary("give a build of a template further tags")
    .description(
      "Gives a build of a template further tags. Another build that had one of them loses it, and goes away with its last one.",
    )
    .argument("<NAME[:TAG]>", "the build; without a tag, the one that is tagged `default`")
    .argument("<TAG...>", "the tags")
    .addHelpText("after", "\nExample:\n  $ emberbox template tag mine stable v2")
    .action(async (name: string, tags: readonly string[]) => {
      await using provider = microvm();
      await Template.assignTags(name, tags, { provider });
      finish(EXIT.ok);
    });
  template
    .command("untag")
    .summary("take tags from a template")
    .description("Takes tags from a template. A build goes away with its last tag.")
    .argument("<NAME>", "the template")
    .argument("<TAG...>", "the tags")
    .addHelpText("after", "\nExample:\n  $ emberbox template untag mine v1")
    .action(async (name: string, tags: readonly string[]) => {
      await using provider = microvm();
      const isTaken = await Template.removeTags(name, tags, { provider });
      if (!isTaken) say(`the template ${name} has none of these tags`);
      finish(isTaken ? EXIT.ok : EXIT.failed);
    });
}
