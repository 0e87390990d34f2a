import { readFileSync } from "node:fs";

/** Node reads the variable when it starts, which was before the sandbox had its own. */
export function trustExtra(file: string): void {
  try {
    const extra = readFileSync(file, "utf8");
    // Loaded only when it is needed: most kernels never use TLS.
    const tls = process.getBuiltinModule("node:tls");
    tls.setDefaultCACertificates([...tls.getCACertificates("default"), extra]);
  } catch {
    // As Node treats a missing file.
  }
}
