import { expect, test } from "vitest";
import * as schemas from "../control/schemas.ts";
import { parse } from "../control/schemas.ts";
import { hashesOf, translate } from "./translate.ts";

const hash = "0123456789abcdef".repeat(4);
const translated = (body: unknown) =>
  translate(parse(schemas.templateBuild, body), (name) => `/archives/${name}`);
const step = (type: string, ...args: string[]) => ({ type, args, force: false });
const copy = (...args: string[]) => ({ ...step("COPY", ...args), filesHash: hash });
const stepsOf = (...steps: unknown[]) => translated({ steps }).steps;

test("steps mean what they mean in E2B", () => {
  expect(
    stepsOf(
      step("RUN", "echo hi"),
      step("RUN", "apt-get update", "root"),
      step("ENV", "A", "1", "B", "x=y"),
      step("WORKDIR", "app"),
      step("USER", "root"),
      step("WORKDIR", "../other"),
    ),
  ).toEqual([
    { type: "RUN", command: "echo hi" },
    { type: "RUN", command: "apt-get update", user: "root" },
    { type: "ENV", envs: { A: "1", B: "x=y" } },
    { type: "WORKDIR", path: "/home/user/app" },
    { type: "USER", user: "root" },
    { type: "WORKDIR", path: "/home/user/other" },
  ]);
});

test("what is copied belongs to the user of the moment, and goes where the step before it said", () => {
  const steps = stepsOf(
    copy("app", ".", "", ""),
    step("WORKDIR", "/srv"),
    step("USER", "root"),
    copy("./a/../one.txt", "into/", "", "0640"),
    copy("src/**/*.{js,ts}", "/", "user:user", ""),
    copy("*.txt", "/x"),
  );
  const common = { type: "UNPACK", archive: `/archives/${hash}`, digest: hash };
  expect(steps.filter(({ type }) => type === "UNPACK")).toEqual([
    { ...common, src: "app", dest: "/home/user", user: "user" },
    { ...common, src: "one.txt", dest: "/srv/into/", user: "root", mode: 0o640 },
    { ...common, src: "src", dest: "/", user: "user" },
    { ...common, src: ".", dest: "/x", user: "root" },
  ]);
  expect([...hashesOf({ steps: [{ ...copy("a", "b"), force: false }] })]).toEqual([hash]);
});

test("force begins anew, from the first step that has it", () => {
  const forced = { ...step("RUN", "true"), force: true };
  expect(translated({ steps: [step("RUN", "true"), forced] }).freshFrom).toBe(1);
  expect(translated({ steps: [forced, forced], force: true }).freshFrom).toBe(0);
  expect(translated({ force: true, startCmd: "serve", readyCmd: "true" })).toEqual({
    ...{ steps: [], freshFrom: 0, startCommand: "serve", readyCommand: "true" },
  });
  expect(translated({ startCmd: "" })).toEqual({ steps: [] });
});

test.each([
  [step("ADD", "x"), /steps\.0: ADD is no step/],
  [step("RUN"), /takes a command/],
  [step("RUN", "true", "ro ot"), /no user "ro ot"/],
  [step("RUN", "a\0b"), /NUL/],
  [step("ENV", "A"), /names and values/],
  [step("ENV", "A=B", "1"), /names that have no/],
  [step("WORKDIR", ""), /takes a path/],
  [step("USER", "-x;y"), /name of a user/],
  [step("COPY", "a", "b"), /filesHash/],
  [{ ...copy("a", "b"), filesHash: "../../x" }, /SHA-256/],
  [copy("a"), /a destination/],
  [copy("/etc/passwd", "b"), /within the context/],
  [copy("a/../../b", "b"), /within the context/],
  [copy("a", "b", "one:other"), /name a user/],
  [copy("a", "b", "", "9"), /octal/],
])("%j is refused", (given, why) => {
  expect(() => stepsOf(given)).toThrow(why);
});
