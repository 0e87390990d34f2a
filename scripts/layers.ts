/** `npm run lint`: inside these packages, imports point one way, those of types included. Tests may look anywhere. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/**
 * Folders of a package's `src`, and files directly in it, the lowest first. Each imports only from itself and from
 * those before it; names in one line are one layer. `*.ts`: files directly in `src` that are not named.
 */
type Layers = readonly string[];

export const layers: Readonly<Record<"core" | "guest" | "microvm", Layers>> = {
  core: [
    "*.ts",
    "concurrency",
    "wire",
    "tar",
    "e2b",
    "default-provider.ts",
    "health.ts",
    "commands",
    "files",
    "mcp-gateway.ts",
    "template",
    "interpreter",
    "workspace",
    "checkpoints",
    "audit",
    "sandbox.ts volume.ts",
    "sessions",
    "tools",
    "index.ts entry-points",
  ],
  guest: ["*.ts", "mcp", "javascript", "envd", "egress", "interpreter", "restore.ts", "main.ts"],
  microvm: [
    "host",
    "machine",
    "memory",
    "image",
    "network",
    "ports",
    "volumes",
    "workspaces",
    "template",
    "restore",
    "saved",
    "build",
    "ready",
    "container",
    "provider",
    "internal",
    "*.ts",
  ],
};

/** Imports in `source`, a package's `src`, that point upwards or to what is in no layer: `file: import`. */
export function wrongImports(source: string, order: Layers): string[] {
  const names = order.map((layer) => layer.split(" "));
  const layerOf = (file: string): number => {
    const [first, ...rest] = file.split("/");
    const layer = names.findIndex((each) => each.includes(first!));
    return layer === -1 && rest.length === 0 ? order.indexOf("*.ts") : layer;
  };
  return readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !/\.test\.ts$|(^|\/)testing\//.test(file))
    .toSorted()
    .flatMap((file) =>
      importsIn(readFileSync(join(source, file), "utf8"))
        .filter((path) => {
          const layer = layerOf(normalize(join(dirname(file), path)));
          return layer === -1 || layer > layerOf(file);
        })
        .map((path) => `${file}: ${path}`),
    );
}

const importsIn = (text: string): string[] =>
  [...text.matchAll(/\b(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g)].map(([, path]) => path!);

if (process.argv[1] === import.meta.filename) {
  for (const [name, order] of Object.entries(layers)) {
    const source = join(import.meta.dirname, "../packages", name, "src");
    for (const wrong of wrongImports(source, order)) {
      console.error(`packages/${name}/src/${wrong} is not below it, see scripts/layers.ts`);
      process.exitCode = 1;
    }
  }
}
