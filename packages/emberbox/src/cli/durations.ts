/** The longest delay of a timer, in ms: nothing that is run here ends by its time. */
export const LONGEST_MS: number = 2 ** 31 - 1;

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
] as const;

/** Such as `3 d`, `5 h`, `12 min`, `40 s`: the largest unit of which there are two, or the next one. */
export function inWords(ms: number): string {
  const whole = Math.max(0, ms);
  const unit = UNITS.find(([, length]) => whole >= 2 * length);
  return unit ? `${Math.floor(whole / unit[1])} ${unit[0]}` : `${Math.floor(whole / 1000)} s`;
}
