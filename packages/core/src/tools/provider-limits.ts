/** What a provider of models takes as pictures, as its documentation says; what it does not say is left out. */
export interface PictureLimits {
  /** MIME types. */
  readonly types: readonly string[];
  /** The most bytes of one picture, before it is written as base64. */
  readonly maxBytes?: number;
  /** The most pixels of a side. */
  readonly maxSide?: number;
  /** The most pixels of a side in a request with many pictures. */
  readonly maxSideOfMany?: number;
  /** The most pictures of a request. */
  readonly maxPictures?: number;
  /** Whether pictures that move are taken, if only their first frame. */
  readonly animated: boolean;
  /** The most bytes of a request, pictures as base64 included. */
  readonly maxRequestBytes?: number;
}

const MB = 1024 * 1024;
/** How many bytes so many characters of base64 hold. */
const inBase64 = (characters: number): number => (characters * 3) / 4;

/**
 * The providers whose documented limits every result keeps, since a tool does not know which one the model is of.
 * Where pages of one provider differ, the smaller number is here. All were read in November 2026.
 */
export const providerLimits: Readonly<Record<string, PictureLimits>> = {
  // https://platform.claude.com/docs/en/build-with-claude/vision unless another page is named.
  anthropic: {
    types: ["image/png", "image/jpeg", "image/gif", "image/webp"],
    // "10 MB (base64-encoded) when using the Claude API directly"
    maxBytes: inBase64(10 * MB),
    // "The maximum dimensions per image are 8000x8000 px."
    maxSide: 8000,
    // "If a single API request contains more than 20 images, a stricter per-image dimension limit applies. [...] resize
    // each image so that neither dimension exceeds 2000 px"
    maxSideOfMany: 2000,
    // "100 per request on the API, for models with a 200k-token context window", 600 for others.
    maxPictures: 100,
    // "Animations are unsupported, and only the first frame is used."
    animated: true,
    // https://platform.claude.com/docs/en/api/overview: "Messages API 32 MB"
    maxRequestBytes: 32 * MB,
  },
  bedrock: {
    // https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ImageBlock.html: "png | jpeg | gif | webp"
    types: ["image/png", "image/jpeg", "image/gif", "image/webp"],
    // https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html: "You can include up to 20
    // images. Each image's size, height, and width must be no more than 3.75 MB, 8000 px, and 8000 px". A newer page,
    // inference-api-restrictions.html of the user guide, leaves limits to the models; Anthropic's page has "5 MB
    // (base64-encoded) on Amazon Bedrock", which is the same, and 2000 px for many.
    maxBytes: 3.75 * MB,
    maxSide: 8000,
    maxSideOfMany: 2000,
    maxPictures: 20,
    // As Claude; not documented by Bedrock.
    animated: true,
    // https://platform.claude.com/docs/en/api/overview: "Bedrock limits requests to 20 MB"
    maxRequestBytes: 20 * MB,
  },
  // https://developers.openai.com/api/docs/guides/images-vision. A limit of one picture's bytes is not documented, nor
  // one of its sides: larger pictures are made smaller there.
  openai: {
    types: ["image/png", "image/jpeg", "image/webp", "image/gif"],
    // Until April 2026: "Up to 500 individual image inputs per request"; since then 1500.
    maxPictures: 500,
    // "Non-animated GIF"
    animated: false,
    // Until April 2026: "Up to 50 MB total payload size per request"; since then 512 MB.
    maxRequestBytes: 50 * MB,
  },
  // Gemini's own API. Limits of one picture's bytes and sides are not documented.
  google: {
    // https://ai.google.dev/gemini-api/docs/image-understanding
    types: ["image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"],
    // The same page: "a maximum of 3,600 image files per request"
    maxPictures: 3600,
    // Not documented.
    animated: false,
    // The same page: "Inline image data limits your total request size [...] to 20MB." The page file-input-methods has
    // "100 MB per request or payload".
    maxRequestBytes: 20 * MB,
  },
  // Gemini and Claude on Google Cloud.
  vertex: {
    // https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/image-understanding; HEIC is Gemini's only.
    types: ["image/png", "image/jpeg", "image/webp"],
    // https://platform.claude.com/docs/en/build-with-claude/vision: "5 MB (base64-encoded) on Amazon Bedrock and Google
    // Cloud". Gemini: "Maximum file size per file for inline data [...]: 7 MB".
    maxBytes: inBase64(5 * MB),
    // Claude's, as above. For Gemini none is documented.
    maxSide: 8000,
    maxSideOfMany: 2000,
    // Claude's, as above. Gemini: "Maximum images per prompt: 900" to 3000.
    maxPictures: 100,
    // Not documented for Gemini.
    animated: false,
    // https://platform.claude.com/docs/en/api/overview: "Vertex AI limits requests to 30 MB"
    maxRequestBytes: 30 * MB,
  },
  // https://docs.mistral.ai/capabilities/vision. The size of a request is not documented.
  mistral: {
    // "PNG, JPEG, WEBP, Non-animated GIF with only one frame"
    types: ["image/png", "image/jpeg", "image/webp", "image/gif"],
    // "The current file size limit is 10Mb."
    maxBytes: 10 * MB,
    // "An error will be sent if the resolution is higher than 10000x10000."
    maxSide: 10_000,
    // "The maximum number images per request via API is 8."
    maxPictures: 8,
    animated: false,
  },
};

const all = Object.values(providerLimits);
const least = (values: readonly (number | undefined)[]): number =>
  Math.min(...values.map((value) => value ?? Infinity));
const maxSideOfMany = least(all.map(({ maxSideOfMany: of, maxSide }) => of ?? maxSide));

/** What all of them take. */
export const commonLimits: Required<PictureLimits> = {
  types: all
    .map(({ types }) => types)
    .reduce((common, types) => common.filter((type) => types.includes(type))),
  maxBytes: least(all.map(({ maxBytes }) => maxBytes)),
  // A conversation collects pictures: each must be small enough for a request that has many of them.
  maxSide: maxSideOfMany,
  maxSideOfMany,
  maxPictures: least(all.map(({ maxPictures }) => maxPictures)),
  animated: all.every(({ animated }) => animated),
  maxRequestBytes: least(all.map(({ maxRequestBytes }) => maxRequestBytes)),
};
