/**
 * A glob as a POSIX extended regular expression for `find`, so that it is matched inside the sandbox, where a pattern
 * that takes for ever harms nobody. `*` and `?` stay within a name, `**` crosses directories, and `{a,b}` lists
 * alternatives.
 */
export function globRegex(glob: string): string {
  let regex = "";
  let depth = 0;
  for (let at = 0; at < glob.length; at += 1) {
    const character = glob[at]!;
    if (glob.startsWith("**/", at)) {
      regex += "(.*/)?";
      at += 2;
    } else if (glob.startsWith("**", at)) {
      regex += ".*";
      at += 1;
    } else if (character === "*") regex += "[^/]*";
    else if (character === "?") regex += "[^/]";
    else if (character === "[") {
      const set = /^\[([!^]?)(\]?[^\]]*)\]/.exec(glob.slice(at));
      regex += set ? `[${set[1] === "" ? "" : "^"}${set[2]}]` : "\\[";
      if (set) at += set[0].length - 1;
    } else if (character === "{" && glob.indexOf("}", at) > at) {
      regex += "(";
      depth += 1;
    } else if (character === "}" && depth > 0) {
      regex += ")";
      depth -= 1;
    } else if (character === "," && depth > 0) regex += "|";
    else if (character === "\\" && at + 1 < glob.length) regex += literal(glob[(at += 1)]!);
    else regex += literal(character);
  }
  return regex + ")".repeat(depth);
}

function literal(character: string): string {
  return /[.+*?^$()[\]{}|\\]/.test(character) ? `\\${character}` : character;
}
