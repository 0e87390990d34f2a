/** What a provider of models takes as a picture, as its documentation says. */
export interface PictureLimits {
  /** MIME types. */
  readonly types: readonly string[];
  /** The most bytes of one picture, before it is written as base64; `undefined` where only requests are limited. */
  readonly maxBytes?: number;
  /** The most pixels of the longer side; `undefined` where none is documented. */
  readonly maxSide?: number;
  /** Whether pictures that move are taken. */
  readonly animated: boolean;
  /** The most bytes of a request, pictures as base64 included. */
  readonly maxRequestBytes?: number;
}

const MB = 1024 * 1024;

/** The providers whose documented limits every result keeps, since a tool does not know which one the model is of. */
export const providerLimits: Readonly<Record<string, PictureLimits>> = {
  // https://docs.claude.com/en/docs/build-with-claude/vision: 5 MB, counted as base64.
  anthropic: {
    types: ["image/png", "image/jpeg", "image/gif", "image/webp"],
    maxBytes: 3.75 * MB,
    maxSide: 8000,
    animated: true,
    maxRequestBytes: 32 * MB,
  },
  // https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference.html
  bedrock: {
    types: ["image/png", "image/jpeg", "image/gif", "image/webp"],
    maxBytes: 3.75 * MB,
    maxSide: 8000,
    animated: true,
  },
  // https://platform.openai.com/docs/guides/images-vision
  openai: {
    types: ["image/png", "image/jpeg", "image/webp", "image/gif"],
    animated: false,
    maxRequestBytes: 50 * MB,
  },
  // https://ai.google.dev/gemini-api/docs/image-understanding
  google: {
    types: ["image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"],
    animated: false,
    maxRequestBytes: 20 * MB,
  },
  // https://docs.mistral.ai/capabilities/vision
  mistral: {
    types: ["image/png", "image/jpeg", "image/webp", "image/gif"],
    maxBytes: 10 * MB,
    animated: false,
  },
};

const all = Object.values(providerLimits);
const least = (values: readonly (number | undefined)[]): number =>
  Math.min(...values.map((value) => value ?? Infinity));

/** What all of them take. */
export const commonLimits: Required<PictureLimits> = {
  types: all
    .map(({ types }) => types)
    .reduce((common, types) => common.filter((type) => types.includes(type))),
  maxBytes: least(all.map(({ maxBytes }) => maxBytes)),
  maxSide: least(all.map(({ maxSide }) => maxSide)),
  animated: all.every(({ animated }) => animated),
  maxRequestBytes: least(all.map(({ maxRequestBytes }) => maxRequestBytes)),
};
