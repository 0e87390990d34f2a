import other from "mime/types/other.js";
import standard from "mime/types/standard.js";

/** Types that the library does not know, knows by an older name, or gives to something that code hardly ever makes. */
const preferred: Readonly<Record<string, string>> = {
  arrow: "application/vnd.apache.arrow.file",
  bib: "text/x-bibtex",
  cbor: "application/cbor",
  diff: "text/x-diff",
  dot: "text/vnd.graphviz",
  feather: "application/vnd.apache.arrow.file",
  flac: "audio/flac",
  gpkg: "application/geopackage+sqlite3",
  gv: "text/vnd.graphviz",
  h5: "application/x-hdf5",
  hdf5: "application/x-hdf5",
  ipynb: "application/x-ipynb+json",
  jsonl: "application/jsonl",
  ndjson: "application/x-ndjson",
  npy: "application/x-numpy",
  parquet: "application/vnd.apache.parquet",
  patch: "text/x-diff",
  py: "text/x-python",
  rb: "application/x-ruby",
  rst: "text/x-rst",
  sqlite: "application/vnd.sqlite3",
  sqlite3: "application/vnd.sqlite3",
  tgz: "application/gzip",
  ts: "text/x-typescript",
  tsx: "text/x-typescript",
  vcf: "text/vcard",
  xz: "application/x-xz",
  yaml: "application/yaml",
  yml: "application/yaml",
  zst: "application/zstd",
};

/** MIME types by file name extension, in lower case. The build writes them to a file for Python. */
export const mimeTypes: ReadonlyMap<string, string> = new Map([
  ...entries(standard),
  ...entries(other),
  ...Object.entries(preferred),
]);

export function mimeTypeOf(path: string): string {
  const ending = /[^/]\.([^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? "";
  return mimeTypes.get(ending) ?? "application/octet-stream";
}

/** The library marks an extension that mainly belongs to another type with a star. */
function entries(types: Readonly<Record<string, readonly string[]>>): [string, string][] {
  return Object.entries(types).flatMap(([type, endings]) =>
    endings
      .filter((ending) => !ending.startsWith("*"))
      .map((ending): [string, string] => [ending, type]),
  );
}
