/** Providers of the SDK that send pictures in results as pictures. All others make text of them. */
const TAKE = [
  /^anthropic(?:[./]|$)/,
  /^google(?:[./]|$)/,
  /^(?:googleVertex|vertex)(?:[./]|$)/,
  /^amazon-bedrock(?:[./]|$)/,
  /^(?:openai|azure(?:-openai)?)\.responses$/,
];

/**
 * Whether a model is shown pictures that are in results: a model of the SDK, as far as it says whose it is, or its id at
 * a gateway, such as `anthropic/claude-sonnet-4.5`.
 */
export function takesPictures(model: string | { readonly provider: string }): boolean {
  const name = typeof model === "string" ? model : model.provider;
  return TAKE.some((provider) => provider.test(name));
}
