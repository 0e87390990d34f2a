import { describe, expect, test } from "vitest";
import { parseDockerfile } from "./dockerfile.ts";

/** The steps after the first two and before the last two, which every Dockerfile has. */
function stepsOf(...lines: string[]): object[] {
  const { steps } = parseDockerfile(["FROM default", ...lines].join("\n"));
  return steps.slice(2).map(({ origin: _origin, ...step }) => step);
}

const commandsOf = (...lines: string[]): unknown[] =>
  stepsOf(...lines).flatMap((step) => ("command" in step ? [step.command] : []));
const envsOf = (...lines: string[]): object =>
  Object.assign(
    {},
    ...stepsOf(...lines).map((step) => ("envs" in step ? step.envs : {})),
  ) as object;
const startOf = (...lines: string[]): string | undefined =>
  parseDockerfile(["FROM default", ...lines].join("\n")).startCommand;

test("a Dockerfile of a container image has the image's working directory", () => {
  const content =
    "FROM python:3.12-slim\nARG A\nENV PATH=/x:$PATH B=${A:-b}\nWORKDIR app\nCOPY . .";
  const { from, steps } = parseDockerfile(content);
  expect(from).toEqual({ image: "python:3.12-slim" });
  expect(steps.map(({ origin: _origin, ...step }) => step)).toEqual([
    { type: "USER", user: "root" },
    {
      type: "ENV",
      envs: {
        PATH: "/x:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        B: "b",
      },
    },
    { type: "WORKDIR", path: "app" },
    { type: "COPY", sources: ["."], dest: "." },
    { type: "USER", user: "user" },
  ]);
});

test("a whole Dockerfile", () => {
  const content = `# syntax=docker/dockerfile:1
ARG BASE=debian-13
from emberbox/\${BASE} as app

LABEL a="b" \\
  c=d
RUN apt-get update && \\
    # a comment
\\
    apt-get install -y jq
COPY --chown=user:user --chmod=0755 run.sh src/ ./
WORKDIR app
EXPOSE 80
CMD ["serve", "--name", "it's"]
`;
  expect(parseDockerfile(content, "x/Dockerfile")).toEqual({
    from: "debian-13",
    startCommand: `serve --name 'it'\\''s'`,
    steps: [
      { type: "USER", user: "root", origin: "x/Dockerfile:3" },
      { type: "WORKDIR", path: "/", origin: "x/Dockerfile:3" },
      {
        type: "RUN",
        command: "apt-get update &&     apt-get install -y jq",
        origin: "x/Dockerfile:7",
      },
      {
        type: "COPY",
        sources: ["run.sh", "src"],
        dest: "./",
        user: "user",
        mode: 0o755,
        origin: "x/Dockerfile:11",
      },
      { type: "WORKDIR", path: "/app", origin: "x/Dockerfile:12" },
      { type: "USER", user: "user" },
    ],
  });
});

test("sandboxes have the usual user and directory, unless the Dockerfile says otherwise", () => {
  expect(stepsOf()).toEqual([
    { type: "USER", user: "user" },
    { type: "WORKDIR", path: "/home/user" },
  ]);
  expect(stepsOf("USER 1000:1000", "WORKDIR /a", "WORKDIR ../b")).toEqual([
    { type: "USER", user: "1000" },
    { type: "WORKDIR", path: "/a" },
    { type: "WORKDIR", path: "/b" },
  ]);
});

describe("lines", () => {
  test("Windows' line ends, a byte order mark and a last continued line", () => {
    const { steps } = parseDockerfile("\uFEFFFROM default\r\nRUN a \\\r\n  b \\");
    expect(steps[2]).toMatchObject({ command: "a   b", origin: "Dockerfile:2" });
  });

  test("another escape character", () => {
    const content = "# escape=`\nFROM default\nRUN a `\n b\nENV X=`$Y\nRUN c \\\n";
    expect(parseDockerfile(content).steps.slice(2, 5)).toMatchObject([
      { command: "a  b" },
      { envs: { X: "$Y" } },
      { command: "c \\" },
    ]);
  });

  test("an escaped escape does not continue a line", () =>
    expect(commandsOf("RUN echo \\\\", "RUN b")).toEqual(["echo \\\\", "b"]));
});

describe("RUN", () => {
  test("in both forms", () => {
    expect(commandsOf('RUN ["echo", "$HOME", "a b"]', "RUN [ -f x ] && y")).toEqual([
      "echo '$HOME' 'a b'",
      "[ -f x ] && y",
    ]);
  });

  test("has the arguments that no variable of the environment hides", () => {
    expect(
      commandsOf("ARG A=1 B='x y'", "ARG NONE", "RUN a", "ENV A=2", "RUN b", "ARG A=3", "RUN c"),
    ).toEqual(["export A=1 B='x y'; a", "export B='x y'; b", "export B='x y'; c"]);
  });

  test("may mount a cache, which is not needed, and have `<<`", () => {
    expect(
      commandsOf("RUN --mount=type=cache,target=/x make", "RUN cat <<<a; echo $((1<<N))"),
    ).toEqual(["make", "cat <<<a; echo $((1<<N))"]);
  });
});

describe("variables", () => {
  const cases: [lines: string[], envs: object][] = [
    [["ENV A=1 B=\"x y\" C=x\\ y D='$A'"], { A: "1", B: "x y", C: "x y", D: "$A" }],
    [["ENV A some text"], { A: "some text" }],
    [["ENV A a=b"], { A: "a=b" }],
    [["ENV A=1", "ENV A=2 B=$A"], { A: "2", B: "1" }],
    [["ENV A=1", 'ENV B="${A}0$A" C=\\$A D="\\$A\\n"'], { A: "1", B: "101", C: "$A", D: "$A\\n" }],
    [["ENV B=${A:-x} C=${A-y} D=${A:+z} E=$A"], { B: "x", C: "y", D: "", E: "" }],
    [["ENV A=", "ENV B=${A:-x} C=${A-y} D=${A+z}"], { A: "", B: "x", C: "", D: "z" }],
    [["ARG A=1", "ENV B=${X:-${A}2}"], { B: "12" }],
    [["ARG A=1", "ENV A=2", "ENV B=$A"], { A: "2", B: "2" }],
    [["ENV A=5$ B=$-"], { A: "5$", B: "$-" }],
    [
      ["ENV PATH=/opt/bin:$PATH"],
      { PATH: "/opt/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
    ],
  ];
  for (const [lines, envs] of cases)
    test(lines.join("; "), () => expect(envsOf(...lines)).toEqual(envs));

  test("in other instructions", () => {
    const [, copy, user, workdir] = stepsOf(
      "ENV N=x",
      'COPY --chown=$N $N "${N}y" /$N/',
      "USER $N",
      "WORKDIR /$N",
    );
    expect(copy).toMatchObject({ sources: ["x", "xy"], dest: "/x/", user: "x" });
    expect([user, workdir]).toMatchObject([{ user: "x" }, { path: "/x" }]);
  });

  test("arguments before FROM have to be declared again", () => {
    const content = "ARG A=1\nFROM default\nENV B=[$A]\nARG A\nENV C=[$A]";
    expect(parseDockerfile(content).steps.slice(2, 4)).toMatchObject([
      { envs: { B: "[]" } },
      { envs: { C: "[1]" } },
    ]);
  });
});

test("COPY as a list, and from the root of the context", () => {
  expect(stepsOf('COPY --link ["a b", "/c/"]', "ADD / /x").slice(0, 2)).toMatchObject([
    { sources: ["a b"], dest: "/c/" },
    { sources: ["."], dest: "/x" },
  ]);
});

test("the start command", () => {
  expect(startOf()).toBeUndefined();
  expect(startOf("CMD a && b")).toBe("a && b");
  expect(startOf("CMD a", 'CMD ["b", "c d"]')).toBe("b 'c d'");
  expect(startOf('ENTRYPOINT ["a"]', 'CMD ["b"]')).toBe("a b");
  expect(startOf('ENTRYPOINT ["a"]', "CMD b c")).toBe("a /bin/sh -c 'b c'");
  expect(startOf("ENTRYPOINT a $X", 'CMD ["b"]')).toBe("a $X");
  expect(startOf("CMD a", "CMD []")).toBeUndefined();
});

describe("mistakes name the line", () => {
  const cases: [line: string, code: string, message: string][] = [
    ["FROM default", "unsupported", "A second stage"],
    ["COPY --from=x a b", "unsupported", "`COPY --from=x`"],
    ["COPY --parents a b", "unsupported", "`COPY --parents`"],
    ["COPY --chmod=u+x a b", "unsupported", "`COPY --chmod=u+x`"],
    ["COPY ../a b", "invalid_path", "only what is in the context"],
    ["COPY --chown=a:b a b", "unsupported", "A group"],
    ["COPY https://x/y /", "unsupported", "COPY of a URL"],
    ["ADD git@github.com:x/y.git /", "unsupported", "ADD of a URL"],
    ["ADD x.tar.gz /", "unsupported", "ADD of an archive"],
    ["COPY ../a /", "invalid_path", "contains `..`"],
    ["COPY a", "invalid_argument", "name files and where they go"],
    ["COPY $UNSET /x", "invalid_argument", "is empty"],
    ["VOLUME /x", "unsupported", "VOLUME"],
    ["ONBUILD RUN x", "unsupported", "ONBUILD"],
    ['SHELL ["sh"]', "unsupported", "SHELL"],
    ["RUN --mount=type=secret,id=x y", "unsupported", "`RUN --mount`"],
    ["RUN <<EOF\nx\nEOF", "unsupported", "here-document"],
    ["COPY <<'E' /x\ny\nE", "unsupported", "here-document"],
    ["RUN", "invalid_argument", "`RUN` says nothing"],
    ["RUM x", "invalid_argument", "Unknown instruction `RUM`"],
    ["ENV A", "invalid_argument", "NAME=value"],
    ["ENV =a", "invalid_argument", "NAME=value"],
    ['ENV A="x', "invalid_argument", '`"` is missing'],
    ["ENV A='x", "invalid_argument", "`'` is missing"],
    ["ENV A=${B", "unsupported", "${…}"],
    ["ENV A=${B:-x", "invalid_argument", "`}` is missing"],
    ["ENV A=${B#x}", "unsupported", "${…}"],
    ["ARG 1", "invalid_argument", "ARG"],
    ["ARG TARGETARCH", "unsupported", "ARG TARGETARCH"],
    ["USER a:b", "unsupported", "A group"],
    ["USER $NONE", "invalid_argument", "`USER` to be a user's name"],
    ["WORKDIR $NONE", "invalid_path", "may not be empty"],
  ];
  for (const [line, code, message] of cases) {
    const parse = (): unknown => parseDockerfile(`FROM default\n\n# x\n${line}`);
    test(`${line}: ${message}`, () => {
      const at = expect.stringMatching(/^Dockerfile:4: /);
      expect(parse).toThrow(expect.objectContaining({ code, message: at }));
      expect(parse).toThrow(message);
    });
  }

  const beginnings: [content: string, code: string, message: string][] = [
    ["", "invalid_argument", "Dockerfile:1: A Dockerfile needs `FROM`"],
    ["RUN x", "invalid_argument", "Dockerfile:1: Expected `FROM` before `RUN`"],
    ["FROM a:1\nENV B=$GOPATH/b", "unsupported", "Dockerfile:2: `$GOPATH`"],
    ["FROM --platform=linux/arm64 default", "unsupported", "Dockerfile:1: `FROM --platform`"],
    ["FROM default and more", "invalid_argument", "Dockerfile:1: Expected `FROM`"],
    [
      "ARG B\nFROM $B",
      "invalid_argument",
      'Dockerfile:2: Expected `FROM` to name a template or an image, got ""',
    ],
    ["# escape=x\nFROM default", "invalid_argument", "Dockerfile:1: The escape directive"],
  ];
  for (const [content, code, message] of beginnings) {
    test(JSON.stringify(content), () =>
      expect(() => parseDockerfile(content)).toThrow(
        expect.objectContaining({ code, message: expect.stringContaining(message) }),
      ),
    );
  }
});
