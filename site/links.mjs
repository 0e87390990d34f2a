// Checks that every link and picture of the built site leads to a file, and to a place in it, as a browser without a
// server would find them.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** The links that lead nowhere, as `page: link`. */
export function brokenLinks(folder) {
  const pages = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".html"));
  const contents = new Map(
    pages.map((name) => [join(folder, name), readFileSync(join(folder, name), "utf8")]),
  );
  const broken = [];
  for (const [page, html] of contents) {
    for (const [, link] of html.matchAll(/<[^>]+ (?:href|src)="([^"]*)"/g)) {
      if (/^(?:[a-z]+:|\/\/)/.test(link)) continue;
      const [path, anchor] = link.replaceAll("&amp;", "&").split("#").map(decodeURIComponent);
      const target = path === "" ? page : join(dirname(page), path);
      const isFile = !path.startsWith("/") && existsSync(target) && statSync(target).isFile();
      const ids = anchor && contents.get(target);
      if (!isFile || (ids && !ids.includes(`id="${anchor}"`)))
        broken.push(`${relative(folder, page)}: ${link}`);
    }
  }
  return broken;
}
