/** Whole numbers from 0 to below `limit`. */
export type Random = (limit: number) => number;

/** Mulberry32: the same numbers for the same seed. */
export function randomFrom(seed: number): Random {
  let state = seed | 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  };
}

/** Numbers at which parsers err. */
const EDGES: readonly number[] = [
  ...[0, 1, 2, 3, 4, 7, 8, 9, 16, 31, 32, 63, 64, 127, 128, 253, 254, 255, 256, 257, 511, 512],
  ...[1023, 1024, 4095, 4096, 16_383, 16_384, 32_767, 32_768, 65_534, 65_535, 65_536, 65_537],
  ...[0x7f_ff_ff, 0xff_ff_ff, 0x01_00_00_00, 0x7f_ff_ff_ff, 0x80_00_00_00, 0xff_ff_ff_ff],
];

interface Material {
  readonly words: readonly Buffer[];
  readonly corpus: readonly Buffer[];
  readonly maxBytes: number;
}

/** One input made of another. */
export function mutate(input: Buffer, material: Material, random: Random): Buffer {
  let made: Buffer = input;
  for (let steps = 1 + random(4); steps > 0; steps--) made = step(made, material, random);
  return made.length > material.maxBytes ? made.subarray(0, material.maxBytes) : made;
}

function step(input: Buffer, { words, corpus, maxBytes }: Material, random: Random): Buffer {
  const at = random(input.length + 1);
  const end = at + random(Math.min(64, input.length - at) + 1);
  const [before, piece, after] = [
    input.subarray(0, at),
    input.subarray(at, end),
    input.subarray(end),
  ];
  const join = (middle: Buffer): Buffer => Buffer.concat([before, middle, after]);
  switch (random(11)) {
    case 0: // Turn a bit over.
      return changed(input, at, (byte) => byte ^ (1 << random(8)));
    case 1:
      return changed(input, at, () => random(256));
    case 2:
      return changed(input, at, (byte) => byte + (random(2) === 0 ? 1 : 255));
    case 3:
      return withNumber(input, at, EDGES[random(EDGES.length)]!, random);
    case 4: // Leave a piece out.
      return Buffer.concat([before, after]);
    case 5:
      return join(Buffer.from(Array.from({ length: 1 + random(8) }, () => random(256))));
    case 6:
    case 7:
      return words.length === 0 ? input : join(words[random(words.length)]!);
    case 8: // Say a piece often: what costs more than it should shows by length.
      return join(repeated(piece, random(8) === 0 ? maxBytes : 256, random));
    case 9: {
      const other = corpus[random(corpus.length)]!;
      const from = random(other.length + 1);
      return Buffer.concat([before, other.subarray(from)]);
    }
    default: {
      const other = corpus[random(corpus.length)]!;
      const from = random(other.length + 1);
      return join(other.subarray(from, from + random(64)));
    }
  }
}

function changed(input: Buffer, at: number, change: (byte: number) => number): Buffer {
  if (at >= input.length) return input;
  const copy = Buffer.from(input);
  copy[at] = change(copy[at]!);
  return copy;
}

/** Puts a number over the bytes there, in a size and order of bytes by chance. */
function withNumber(input: Buffer, at: number, number: number, random: Random): Buffer {
  const bytes = Buffer.alloc(8);
  const size = 1 << random(3);
  if (random(2) === 0) bytes.writeUInt32BE(number, 0);
  else bytes.writeUInt32LE(number, 0);
  const piece =
    random(2) === 0 ? bytes.subarray(0, size) : bytes.subarray(Math.max(0, 4 - size), 4);
  return Buffer.concat([input.subarray(0, at), piece, input.subarray(at + piece.length)]);
}

function repeated(piece: Buffer, most: number, random: Random): Buffer {
  if (piece.length === 0) return piece;
  return Buffer.alloc(piece.length * (1 + random(Math.ceil(most / piece.length))), piece);
}
