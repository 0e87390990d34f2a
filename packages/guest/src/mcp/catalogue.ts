import { z } from "zod";

/** What a known server is, and what its settings become. */
export interface KnownServer {
  readonly source: { readonly npm: string } | { readonly pypi: string };
  /** @throws a `ZodError` */
  read(settings: unknown): {
    readonly args?: readonly string[];
    readonly envs?: Readonly<Record<string, string>>;
  };
}

const text = z.string().min(1);

function known<Shape extends z.ZodRawShape>(
  source: KnownServer["source"],
  shape: Shape,
  use: (settings: z.output<z.ZodObject<Shape>>) => ReturnType<KnownServer["read"]>,
): KnownServer {
  const schema = z.object(shape).strict();
  return { source, read: (settings) => use(schema.parse(settings) as never) };
}

const onNpm = (name: string): KnownServer["source"] => ({
  npm: `@modelcontextprotocol/server-${name}`,
});
const plain = (source: KnownServer["source"]): KnownServer => known(source, {}, () => ({}));

/** Servers that are known by a name; where E2B knows them too, its name, with its settings. */
export const catalogue: ReadonlyMap<string, KnownServer> = new Map<string, KnownServer>([
  [
    "brave",
    known(onNpm("brave-search"), { apiKey: text }, ({ apiKey }) => ({
      envs: { BRAVE_API_KEY: apiKey },
    })),
  ],
  ["everything", plain(onNpm("everything"))],
  ["fetch", plain({ pypi: "mcp-server-fetch" })],
  [
    "filesystem",
    known(onNpm("filesystem"), { paths: z.array(text).min(1) }, ({ paths }) => ({ args: paths })),
  ],
  [
    "github",
    known(onNpm("github"), { personalAccessToken: text }, ({ personalAccessToken }) => ({
      envs: { GITHUB_PERSONAL_ACCESS_TOKEN: personalAccessToken },
    })),
  ],
  [
    "gitlab",
    known(
      onNpm("gitlab"),
      { personalAccessToken: text, url: text },
      ({ personalAccessToken, url }) => ({
        envs: { GITLAB_PERSONAL_ACCESS_TOKEN: personalAccessToken, GITLAB_API_URL: url },
      }),
    ),
  ],
  [
    "googleMaps",
    known(onNpm("google-maps"), { googleMapsApiKey: text }, ({ googleMapsApiKey }) => ({
      envs: { GOOGLE_MAPS_API_KEY: googleMapsApiKey },
    })),
  ],
  ["memory", plain(onNpm("memory"))],
  ["sequentialthinking", plain(onNpm("sequential-thinking"))],
  ["time", plain({ pypi: "mcp-server-time" })],
]);
