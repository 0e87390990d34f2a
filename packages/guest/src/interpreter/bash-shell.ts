/** What the shell of a bash kernel is told: how it runs cells, and what `set -e`, `exit` and `trap` mean in them. */

/** How deep functions may call one another: without a limit, endless recursion takes half a minute to end the shell. */
const MAX_NESTING = 2000;

/**
 * The shell itself is silent. It reports on descriptor 251; 252 and 253 are the output of cells, and 254 is where a
 * cell's code comes from: programs seldom use numbers as high.
 */
const CELL_DESCRIPTORS = "</dev/null >&252 2>&253 251>&- 252>&- 253>&-";

/**
 * A cell ends as a script does, but the shell does not: each level of functions and sourced files returns. Where
 * `set -e` would end a shell, the trap for errors returns instead; after `exit`, the trap before each command does.
 * Braces that discard the error output keep the trace of `set -x` free of all this.
 */
export const SETUP: string = String.raw`
exec 251>&3 3>&- 4>&- 252>&1 253>&2 >/dev/null 2>/dev/null
set +H; shopt -s extglob; PS1= PS2=; unset HISTFILE; FUNCNEST=${MAX_NESTING}
__emberbox_options= __emberbox_exit= __emberbox_stop= __emberbox_last=0 __emberbox_at_exit= __emberbox_on_error=
__emberbox_same() { [[ $- == *e* ]] || return "$__emberbox_last"; }
__emberbox_keep() {
  [[ $- == *e* ]] && __emberbox_options+=e
  [[ $- == *x* ]] && __emberbox_options+=x
  set +ex
}
__emberbox_failed() {
  [[ $BASH_SUBSHELL == 0 && $- == *e* ]] || return 0
  __emberbox_stop=$__emberbox_last
  __emberbox_options+=e
  set +e
}
__emberbox_returned() {
  [[ "${"$"}{#FUNCNAME[@]}" == 2 && $- == *e* ]] && __emberbox_options+=e && set +e
  return 0
}
__emberbox_unwind() { [[ "${"$"}{FUNCNAME[-1]}" != source ]] || return 2; }
__emberbox_arm() {
  local stop='[[ -n $__emberbox_stop && $BASH_SUBSHELL == 0 ]] && return "$__emberbox_stop"'
  local failed="{ __emberbox_last=\$?; $stop; __emberbox_failed; __emberbox_same; } 2>/dev/null"
  builtin trap "$failed"$'\n'"$__emberbox_on_error"$'\n'"{ $stop; } 2>/dev/null" ERR
  builtin trap '{ __emberbox_returned; } 2>/dev/null' RETURN
  set -E
}
exit() {
  {
    local status="${"$"}{1-$?}"
    if [[ $BASH_SUBSHELL != 0 ]]; then builtin exit "$status"; fi
    if [[ $status =~ ^-?[0-9]+$ ]]; then status=$((status & 255)); else
      printf 'bash: exit: %s: numeric argument required\n' "$status" >&253; status=2; fi
    __emberbox_exit=$status
    __emberbox_keep; shopt -s extdebug; builtin trap __emberbox_unwind DEBUG
    return "$status"
  } 253>&2 2>/dev/null
}
trap() {
  if [[ $BASH_SUBSHELL != 0 || "${"$"}{1-}" == -[lp]* || $# == 1 ]]; then builtin trap "$@"; return; fi
  local name action
  if [[ $# == 0 ]]; then
    [[ -n $__emberbox_at_exit ]] && printf 'trap -- %q EXIT\n' "$__emberbox_at_exit"
    [[ -n $__emberbox_on_error ]] && printf 'trap -- %q ERR\n' "$__emberbox_on_error"
    return 0
  fi
  [[ $1 == -- ]] && shift
  action=$1; shift
  for name; do
    case "${"$"}{name^^}" in
      EXIT | SIGEXIT | 0) [[ $action == - ]] && action=; __emberbox_at_exit=$action ;;
      ERR | SIGERR) [[ $action == - ]] && action=; __emberbox_on_error=$action; __emberbox_arm ;;
      *) builtin trap -- "$action" "$name" ;;
    esac
  done
}
__emberbox_begin() {
  exec 254<&-
  local options=$__emberbox_options
  __emberbox_options=
  [[ $options == *x* ]] && set -x
  [[ $options == *e* ]] && set -e
  return 0
}
__emberbox_end() {
  builtin trap - DEBUG
  __emberbox_last=$2
  __emberbox_keep
  shopt -u extdebug; __emberbox_stop=; __emberbox_arm
  [[ -n $__emberbox_exit ]] && __emberbox_last=$__emberbox_exit
  __emberbox_exit=
  local action=$__emberbox_at_exit
  __emberbox_at_exit=
  if [[ -n $action ]]; then
    __emberbox_same
    eval "$action" ${CELL_DESCRIPTORS}
    builtin trap - DEBUG
    shopt -u extdebug; __emberbox_arm
    [[ -n $__emberbox_exit ]] && __emberbox_last=$__emberbox_exit
    __emberbox_exit=
  fi
  printf '%s %s\n' "$1" "$__emberbox_last" >&251
}
__emberbox_arm
printf 'ready\n' >&251`;

/** How the text of a cell begins. */
const BEGINNING = "{ { __emberbox_begin; } 2>/dev/null; ";
const FILE = "/dev/fd/254: ";

/** Errors of syntax quote the line that they are in, and where it was read. */
export function withoutWrapping(output: Buffer): Buffer {
  if (!output.includes(FILE)) return output;
  return Buffer.from(output.toString().replaceAll(FILE, "").replaceAll(BEGINNING, ""));
}

/**
 * The lines that run a cell. It is one compound command, which an error in an expansion ends as a whole. The second line
 * is read when the first is over, even if that was interrupted.
 */
export function cellLines(code: string, count: number): readonly [run: string, report: string] {
  const whole = `${BEGINNING}${code}\n\n}`;
  return [
    `. /dev/fd/254 254<<<${quoted(whole)} ${CELL_DESCRIPTORS}`,
    `__emberbox_end ${count} "$?"`,
  ];
}

/** One word of the shell, on one line, because its input is read by lines. */
export function quoted(text: string): string {
  const escaped = text
    .replaceAll("\0", "")
    .replaceAll("\\", "\\\\")
    .replaceAll("'", "\\'")
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r");
  return `$'${escaped}'`;
}
