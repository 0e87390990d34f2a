import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { containerCalls } from "./container-calls.ts";

/** What Docker leaves to a container's root. */
const CAPABILITIES = [
  ...["chown", "dac_override", "fsetid", "fowner", "mknod", "net_raw", "setgid", "setuid"],
  ...["setfcap", "setpcap", "net_bind_service", "sys_chroot", "kill", "audit_write"],
];
const NAMESPACES = ["--mount", "--pid", "--fork", "--kill-child", "--ipc", "--uts", "--cgroup"];
const FILTER = "run/container-calls";

export interface Container {
  /** Path of the directory that becomes `/`. */
  readonly root: string;
  /** A name in the root's `passwd`. */
  user: string;
  directory: string;
  environment: Readonly<Record<string, string>>;
  /** As `--security-opt seccomp=unconfined --security-opt systempaths=unconfined` does. */
  readonly unconfined?: boolean;
}

export interface Ended {
  readonly code: number | null;
  /** What it printed, on both of its outputs. */
  readonly said: string;
}

/** Runs a program as container engines do, but for the network, which is this machine's; returns how it ended. */
export async function inContainer(
  { root, user, directory, environment, unconfined = false }: Container,
  command: readonly string[],
): Promise<Ended> {
  writeFileSync(join(root, FILTER), containerCalls);
  const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const words = [
    ...[
      "setpriv",
      "--inh-caps=-all",
      `--bounding-set=-all,${CAPABILITIES.map((name) => `+${name}`).join(",")}`,
    ],
    ...(unconfined ? [] : [`--seccomp-filter=/${FILTER}`]),
    ...["setpriv", `--reuid=${user}`, `--regid=${user}`, "--init-groups"],
    ...["env", "-i", `--chdir=${directory}`, ...settings, ...command],
  ];
  const enter = join(import.meta.dirname, "enter-container.sh");
  const paths = unconfined ? "unmasked" : "masked";
  const child = spawn("unshare", [...NAMESPACES, "sh", enter, root, paths, ...words], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const end = (): boolean => child.kill("SIGKILL");
  process.once("exit", end);
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      process.stderr.write(text);
      said += text;
    });
  const [code] = (await once(child, "close")) as [number | null];
  process.off("exit", end);
  return { code, said };
}
