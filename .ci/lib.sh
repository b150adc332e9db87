# What every script here shares: words, timed steps, and stamps that make the second time short.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Bytecode halves every import, and a package index may sit behind the machine's own certificate authority.
unset PYTHONDONTWRITEBYTECODE
export UV_SYSTEM_CERTS=1 UV_LINK_MODE="${UV_LINK_MODE:-copy}"

VENV=.venv
STAMPS=.make
mkdir -p "$STAMPS"

say() { printf '%s\n' "$*"; }

# Says what went wrong and what to do about it, and ends the run.
die() {
  printf '\n%s\n' "$*" >&2
  exit 1
}

now() { date +%s.%N; }

# One line for a finished step, with its seconds.
done_in() { awk -v a="$1" -v b="$(now)" -v what="$2" 'BEGIN { printf "%7.1f s  %s\n", b - a, what }'; }

# One word for the present contents of some files and folders, and of the words after --.
fingerprint() {
  local paths=()
  while (($#)) && [[ $1 != -- ]]; do paths+=("$1"); shift; done
  {
    ((${#paths[@]})) && find "${paths[@]}" -type f -not -path '*/node_modules/*' -print0 2>/dev/null | sort -z | xargs -0 -r sha256sum || true
    printf '%s\n' "$@"
  } | sha256sum | cut -c1-16
}

# quietly WHAT COMMAND…: runs the command, keeps its output in a log, and shows the log only if it fails.
quietly() {
  local what=$1 log begun
  log="$STAMPS/${1//[^A-Za-z0-9]/-}.log"
  begun=$(now)
  shift
  "$@" >"$log" 2>&1 || {
    tail -n 40 "$log" >&2
    die "Failed: $what. The lines above are the end of $log."
  }
  done_in "$begun" "$what"
}

stamp_of() { printf '%s' "$STAMPS/${1//[^A-Za-z0-9]/-}.stamp"; }

# made PATH…: whether what a step makes is still there.
made() {
  local path
  for path; do [[ -e $path ]] || return 1; done
}

# forget WHAT…: has steps run again although their fingerprints are known.
forget() {
  local what
  for what; do rm -f "$(stamp_of "$what")"; done
}

# once WHAT FINGERPRINT COMMAND…: the same, but only when the fingerprint is a new one.
once() {
  local what=$1 mark=$2 stamp
  stamp=$(stamp_of "$1")
  shift 2
  [[ -f $stamp && $(<"$stamp") == "$mark" ]] && return
  rm -f "$stamp"
  quietly "$what" "$@"
  printf '%s\n' "$mark" >"$stamp"
}

# Installs a Debian package where the command it brings is missing.
need_command() {
  local command=$1 package=$2 sudo=()
  command -v "$command" >/dev/null && return
  [[ $(id -u) == 0 ]] || sudo=(sudo -n)
  command -v apt-get >/dev/null ||
    die "'$command' is missing and this machine has no apt-get. Install $package with your system's package manager, then run this again."
  "${sudo[@]}" true 2>/dev/null ||
    die "'$command' is missing and you may not install it. Ask an administrator for: apt-get install $package"
  [[ -f $STAMPS/apt-updated ]] || quietly 'Refresh the list of Debian packages' "${sudo[@]}" apt-get update
  touch "$STAMPS/apt-updated"
  quietly "Install $package" "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$package"
}
