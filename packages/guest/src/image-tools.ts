/** In a machine made of a container image: the agent's own programs, and what the engine knows of the image. */
export const IMAGE_TOOLS = "/opt/emberbox";
