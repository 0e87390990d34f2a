/** How a language does what Jupyter's protocol has no message for. Kernels of other languages work without it. */
export interface Dialect {
  /** Code that sets environment variables for one call, and code that restores them. */
  variables(envs: Readonly<Record<string, string>>): {
    readonly set: string;
    readonly restore: string;
  };
  /** Code that sets environment variables for good. */
  export(envs: Readonly<Record<string, string>>): string;
  /** Code after which random numbers differ from those of a copy of the machine. */
  readonly reseed: string;
  /** Code after which first cells are as fast as later ones; an empty cell means it. */
  readonly warm?: string;
}

/** A variable name that every language can write. */
const NAME = /^[A-Za-z_]\w*$/;

/** Both languages accept JSON's strings as their own. */
const pairs = (envs: Readonly<Record<string, string>>, join: string): string =>
  Object.entries(envs)
    .filter(([name]) => NAME.test(name))
    .map(([name, value]) => `${JSON.stringify(name)}${join}${JSON.stringify(value)}`)
    .join(", ");

const python: Dialect = {
  variables: (envs) => ({
    set: `import os as _os\n_emberbox_new = {${pairs(envs, ": ")}}\n_emberbox_old = {name: _os.environ.get(name) for name in _emberbox_new}\n_os.environ.update(_emberbox_new)`,
    restore: `for _name, _value in _emberbox_old.items():\n    _os.environ.pop(_name, None)\n    if _value is not None:\n        _os.environ[_name] = _value\ndel _emberbox_old, _emberbox_new, _name, _value, _os`,
  }),
  export: (envs) => `import os as _os\n_os.environ.update({${pairs(envs, ": ")}})\ndel _os`,
  reseed: `import os as _os, random as _random, sys as _sys
_random.seed()
if "numpy" in _sys.modules: _sys.modules["numpy"].random.seed()
if "tempfile" in _sys.modules: _sys.modules["tempfile"]._name_sequence = None
if "ssl" in _sys.modules: _sys.modules["ssl"].RAND_add(_os.urandom(32), 32.0)
del _os, _random, _sys`,
};

const r: Dialect = {
  variables: (envs) => ({
    set: `.emberbox_new <- c(${pairs(envs, " = ")}); .emberbox_old <- Sys.getenv(names(.emberbox_new), NA, TRUE); do.call(Sys.setenv, as.list(.emberbox_new))`,
    restore: `Sys.unsetenv(names(.emberbox_old)); .emberbox_old <- .emberbox_old[!is.na(.emberbox_old)]; if (length(.emberbox_old)) do.call(Sys.setenv, as.list(.emberbox_old)); rm(.emberbox_new, .emberbox_old)`,
  }),
  export: (envs) => `do.call(Sys.setenv, list(${pairs(envs, " = ")}))`,
  // R itself would take the time and the process id, which copies nearly share.
  reseed: `local({ from <- file("/dev/urandom", "rb", raw = TRUE); on.exit(close(from)); set.seed(sum(as.integer(readBin(from, "raw", 4)) * 256^(0:3)) %% 2147483647) })`,
};

const json = (envs: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.fromEntries(Object.entries(envs).filter(([name]) => NAME.test(name))));

/** What the kernel of the engine's `java` template understands where nobody listens; another one of Java does not. */
const java: Dialect = {
  variables: (envs) => ({ set: `%emberbox set ${json(envs)}`, restore: "%emberbox restore" }),
  export: (envs) => `%emberbox export ${json(envs)}`,
  reseed: "%emberbox reseed",
  warm: "%emberbox warm",
};

const dialects: Readonly<Record<string, Dialect>> = { python, r, "emberbox-java": java };

export function dialectOf(name: string): Dialect | undefined {
  return Object.hasOwn(dialects, name) ? dialects[name] : undefined;
}
