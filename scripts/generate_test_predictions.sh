#!/bin/sh
# The same as generate_test_predictions.py, for those who call it by this name: N and all its flags are passed on.
# PYTHON names another interpreter than that of .venv.
here=$(dirname "$0")
python=${PYTHON:-$here/../.venv/bin/python}
command -v "$python" >/dev/null || python=python3
exec "$python" "$here/generate_test_predictions.py" "$@"
