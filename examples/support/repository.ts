import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const files: Readonly<Record<string, string>> = {
  "prices.py": `def mean(prices):
    return sum(prices) / len(price)


def total(prices):
    return sum(prices)
`,
  "test_prices.py": `from prices import mean, total

assert total([3, 5, 8]) == 16
assert mean([3, 5]) == 4
print("all passed")
`,
  "README.md": "# Prices\n",
  ".env": "API_KEY=not-for-agents\n",
};

/** Works in a directory with a small repository, `prices`, whose test fails. It is removed when the program ends. */
function makeRepository(): void {
  const place = mkdtempSync(join(tmpdir(), "emberbox-example-"));
  process.once("exit", () => rmSync(place, { recursive: true, force: true }));
  const folder = join(place, "prices");
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const git = (...words: string[]): Buffer =>
    execFileSync("git", [
      "-C",
      folder,
      "-c",
      "user.name=You",
      "-c",
      "user.email=you@example.com",
      ...words,
    ]);
  git("init", "-q");
  git("add", "prices.py", "test_prices.py", "README.md");
  git("commit", "-q", "-m", "Prices");
  process.chdir(place);
}

makeRepository();
