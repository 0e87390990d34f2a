import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { lookup } from "node:dns/promises";
import { connect, rootCertificates } from "node:tls";

/** A registry that this machine uses: the real outside. */
export interface Registry {
  readonly url: string;
  /** What a policy must name to reach it: its host, and its address where that is not of the public internet. */
  readonly allowOut: readonly string[];
  /** Its authority, if this machine trusts it and a sandbox does not know it. */
  readonly ca: string;
}

/** npm's. */
export async function findRegistry(): Promise<Registry> {
  const text = execFileSync("npm", ["config", "get", "registry"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const url = text.trim();
  const { protocol, hostname, port } = new URL(url);
  return {
    url,
    allowOut: [hostname, (await lookup(hostname, 4)).address],
    ca: protocol === "https:" ? await unusualAuthority(hostname, Number(port || 443)) : "",
  };
}

/** Variables with which npm in a sandbox uses that registry. */
export function registryEnvs({ url, ca }: Registry): Record<string, string> {
  return { npm_config_registry: url, ...(ca !== "" && { npm_config_ca: ca }) };
}

/** Where this machine's pip finds packages; `undefined` without a pip, or if nothing answers there. */
export async function findPypi(): Promise<Registry | undefined> {
  const program =
    "from pip._internal.models.index import PyPI; print(PyPI.simple_url, PyPI.file_storage_domain)";
  try {
    const told = execFileSync("python3", ["-c", program], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [usual = "", files = ""] = told.trim().split(" ");
    const url = process.env["PIP_INDEX_URL"] || usual;
    const { hostname, port, protocol } = new URL(url);
    // The usual index leads to files elsewhere.
    const hosts = url === usual ? [hostname, files] : [hostname];
    const found = await Promise.all(hosts.map((host) => lookup(host, 4)));
    return {
      url,
      allowOut: [...hosts, ...found.map(({ address }) => address)],
      ca: protocol === "https:" ? await unusualAuthority(hostname, Number(port || 443)) : "",
    };
  } catch {
    return undefined;
  }
}

/** The authority at the end of a server's chain, unless Node itself knows it. */
async function unusualAuthority(host: string, port: number): Promise<string> {
  const socket = connect({ host, port, servername: host });
  try {
    await once(socket, "secureConnect");
    let certificate = socket.getPeerX509Certificate();
    while (certificate?.issuerCertificate) certificate = certificate.issuerCertificate;
    const pem = certificate?.toString().trim() ?? "";
    return rootCertificates.some((each) => each.trim() === pem) ? "" : pem;
  } finally {
    socket.destroy();
  }
}
