/**
 * The proxies that the environment names, as apt knows them: by the names in lower case only.
 * `HTTPS_PROXY` becomes `https_proxy`, unless that is there, too.
 */
export function proxySettings(
  environment: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of ["http_proxy", "https_proxy", "no_proxy"]) {
    const value = environment[name] || environment[name.toUpperCase()];
    if (value) found[name] = value;
  }
  return found;
}
