/** What every kernel's environment begins with. */
export function environmentOf(user: string): Record<string, string> {
  const home = `/home/${user}`;
  return {
    PATH: `${home}/.local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: home,
    USER: user,
    LOGNAME: user,
    SHELL: "/bin/bash",
    LANG: "C.UTF-8",
    TERM: "xterm-256color",
    PAGER: "cat",
    GIT_PAGER: "cat",
    PIP_BREAK_SYSTEM_PACKAGES: "1",
  };
}
