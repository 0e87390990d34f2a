import { join } from "node:path";

/** Where templates of one's own are, below the directory of saved machines. */
export const templatesIn = (state: string): string => join(state, "templates");
/** Where they are in other shapes than they were built in. */
export const shapesIn = (state: string): string => join(state, "shapes");
/** Where builds keep what later ones may have in common with them. */
export const layersIn = (state: string): string => join(state, "layers");
