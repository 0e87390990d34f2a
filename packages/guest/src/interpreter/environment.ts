import type { User } from "../envd/users.ts";

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What the environment of every kernel of a user begins with. */
export function environmentOf({ name, home, shell }: User): Record<string, string> {
  return {
    PATH: name === "root" ? PATH : `${home}/.local/bin:${PATH}`,
    HOME: home,
    USER: name,
    LOGNAME: name,
    SHELL: shell,
    LANG: "C.UTF-8",
    TERM: "xterm-256color",
    PAGER: "cat",
    GIT_PAGER: "cat",
    PIP_BREAK_SYSTEM_PACKAGES: "1",
  };
}
