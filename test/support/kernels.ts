import type { Sandbox } from "@emberbox/core";

/** Installs, for the sandbox's user, a Jupyter kernel that nothing here knows: Python's own, by another name. */
export async function installKernel(
  sandbox: Sandbox,
  name: string,
  spec: Record<string, unknown> = {},
): Promise<void> {
  const argv = ["/usr/bin/python3", "-m", "ipykernel_launcher", "-f", "{connection_file}"];
  const path = `/home/user/.local/share/jupyter/kernels/${name}/kernel.json`;
  await sandbox.files.write(path, JSON.stringify({ argv, language: "python", ...spec }));
}
