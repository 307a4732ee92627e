"""These run in an environment of their own: `make test-airflow`."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("airflow") else ["test_*.py"]
