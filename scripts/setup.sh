# Sourced by the other scripts: makes .venv beside the project on first use and whenever its needs change.
#   setup [EXTRA]     EXTRA is an extra of pyproject.toml, such as dev
# Afterwards $root is the project and $venv its environment.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${MLEXP_VENV:-$root/.venv}

find_python() {
  local candidate
  for candidate in ${MLEXP_PYTHON:-} python3 python3.13 python3.12 python3.11 python; do
    if command -v "$candidate" >/dev/null 2>&1 &&
      "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  echo "mlexp needs Python 3.11 or newer, and none was found. Install it, or name one with MLEXP_PYTHON=..." >&2
  return 1
}

setup() {
  local extra=${1:-} stamp wanted python
  stamp=$venv/.mlexp-${extra:-core}
  wanted=$(cat "$root/pyproject.toml" "$root/constraints.txt" | cksum)
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then return; fi
  python=$(find_python)
  echo "setting up $venv (once, about a minute)" >&2
  if ! [ -x "$venv/bin/python" ] && ! "$python" -m venv "$venv"; then
    echo "$python -m venv failed. On Debian and Ubuntu: apt-get install python3-venv" >&2
    return 1
  fi
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --constraint "$root/constraints.txt" --editable "$root${extra:+[$extra]}" >&2
  printf '%s' "$wanted" >"$stamp"
}
