# Sourced by bin/dev, bin/test and bin/bench with $root set: makes the environment, sets $python.

for candidate in "${PYTHON:-}" python3 python python3.14 python3.13 python3.12 python3.11; do
    if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        found=$candidate
        break
    fi
done
if [ -z "${found:-}" ]; then
    echo "Python 3.11 or later is needed and none is on PATH. Install it, or name one: PYTHON=/path/to/python3.11 $0" >&2
    exit 1
fi
python=$("$found" -P "$root/infra/local/environment.py" "$@")
