/** How far a build of an image is. */
export interface Progress {
  /** What is being done. */
  readonly step: string;
  /** 0 to 1, over the whole build. */
  readonly fraction: number;
  /** The builder's own words. */
  readonly message?: string;
}

/** Tells of progress in words, where there is no bar: of each step, and of each tenth of the whole. */
export function inWords(say: (words: string) => void): (progress: Progress) => void {
  let last: string | undefined;
  return ({ step, fraction }) => {
    const now = `${step}, ${Math.floor(fraction * 10)}`;
    if (now === last) return;
    last = now;
    say(`image, ${Math.round(fraction * 100)} %: ${step}`);
  };
}

/** How much of the build is done when a step begins, by the time that each step took. */
const steps = {
  "waiting for another build": 0,
  "fetching Node": 0,
  "fetching Debian packages": 0.03,
  "unpacking the base system": 0.2,
  "installing packages": 0.25,
  "setting up the guest": 0.75,
  "writing the disk": 0.93,
  done: 1,
} as const;
export type Step = keyof typeof steps;

const byMmdebstrap: readonly (readonly [pattern: RegExp, step: Step])[] = [
  [/^I: running apt-get update/, "fetching Debian packages"],
  [/^I: extracting archives/, "unpacking the base system"],
  [/^I: installing remaining packages/, "installing packages"],
  [/^I: running --customize-hook/, "setting up the guest"],
];

/** Turns mmdebstrap's and apt's output into progress that only ever grows. */
export class ProgressReader {
  readonly #report: (progress: Progress) => void;
  #step: Step = "fetching Node";
  #total = 0;
  #done = 0;

  constructor(report: (progress: Progress) => void) {
    this.#report = report;
  }

  step(step: Step): void {
    this.#step = step;
    this.#report({ step, fraction: steps[step] });
  }

  line(line: string): void {
    const next = byMmdebstrap.find(([pattern]) => pattern.test(line))?.[1];
    if (next !== undefined) {
      if (next !== this.#step) this.step(next);
      return;
    }
    if (this.#step !== "installing packages") return;
    const count = /(\d+) newly installed/.exec(line);
    if (count) this.#total = Number(count[1]);
    if (this.#total === 0 || !/^(Unpacking|Setting up) /.test(line)) return;
    this.#done++;
    // Each package is unpacked, then set up.
    const share = Math.min(1, this.#done / (2 * this.#total));
    const fraction =
      steps["installing packages"] +
      share * (steps["setting up the guest"] - steps["installing packages"]);
    this.#report({
      step: this.#step,
      fraction,
      message: line.replace(/ \.\.\.$/, "").slice(0, 100),
    });
  }
}
