/** Bytes that must not pass, as one automaton: each byte costs the same, however much of a trace it continues. */
export interface Traces {
  /** How many bytes at the end of a line may begin a trace; it depends only on the lengths of values. */
  readonly hold: number;
  /** The column of each byte. */
  readonly columns: Uint16Array;
  /** By state and column, `next[state + column]`: the state after that, as `~state` where a trace ends. */
  readonly next: Int32Array;
  /** How many of the bytes that lead to a state are a trace. */
  lengthAt(state: number): number;
}

/** Aho and Corasick's, with a column for each byte that occurs in a trace and one for all others. */
export function createTraces(traces: readonly Buffer[], hold: number): Traces {
  const columns = new Uint16Array(256);
  let width = 1;
  for (const trace of traces)
    for (const byte of trace) if (columns[byte] === 0) columns[byte] = width++;
  const most = traces.reduce((sum, { length }) => sum + length, 1);
  const next = new Int32Array(most * width);
  const ends = new Int32Array(most);
  let states = 1;
  for (const trace of traces) {
    let state = 0;
    for (const byte of trace) state = next[state * width + columns[byte]!] ||= states++;
    ends[state] = trace.length;
  }
  // Breadth first: where a state has no transition, it takes that of its longest suffix that begins a trace.
  const back = new Int32Array(states);
  const queue = new Int32Array(states);
  let length = 1;
  for (let at = 0; at < length; at++) {
    const state = queue[at]!;
    for (let column = 0; column < width; column++) {
      const here = state * width + column;
      const otherwise = state === 0 ? 0 : next[back[state]! * width + column]!;
      const child = next[here]!;
      if (child === 0) next[here] = otherwise;
      else {
        back[child] = otherwise;
        ends[child] = Math.max(ends[child]!, ends[otherwise]!);
        queue[length++] = child;
      }
    }
  }
  // As offsets into the table, so that a step is one addition.
  const places = next.map((state) => (ends[state]! > 0 ? ~(state * width) : state * width));
  return {
    hold: Math.max(hold, ...traces.map((trace) => trace.length - 1)),
    columns,
    next: places,
    lengthAt: (state) => ends[state / width]!,
  };
}
