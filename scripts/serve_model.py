"""`python scripts/serve_model.py`: answer predictions over HTTP with the champions of the registry."""

import argparse
from importlib.metadata import PackageNotFoundError, version

from mlops.entry import add_setup_arguments, leave, parser, setup
from mlops.errors import need

EXAMPLES = """\
  python scripts/serve_model.py                         the default model at http://127.0.0.1:8000, its API at /docs
  python scripts/serve_model.py --model housing         POST /predict asks the model housing
  python scripts/serve_model.py --host 0.0.0.0 --port $PORT
"""


def main() -> int:
    from mlops.serving.app import Service, application
    from mlops.serving.server import bound, serve

    arguments = _arguments()
    for library in ("fastapi", "uvicorn"):
        need(library, "serving models")
    asked = setup(arguments)
    default = asked.config.model(arguments.model).name
    names = [spec.name for spec in asked.config.models]
    listener = bound(arguments.host, arguments.port)
    host, port = listener.getsockname()[:2]

    def ready() -> None:
        slot = service.slots[default]
        what = f"version {slot.champion.version}" if slot.champion else f"nothing yet: {slot.problem}"
        print(f"http://{host}:{port}: {default}, {what}; the API: http://{host}:{port}/docs", flush=True)

    service = Service(asked.places, names, default, asked.config.serving, ready)
    return serve(application(service, _version()), listener)


def _arguments() -> argparse.Namespace:
    arguments = parser("Answer predictions over HTTP; see docs/api.md.", EXAMPLES)
    arguments.add_argument(
        "--model", help="that POST /predict asks; default: default_model of the configuration"
    )
    arguments.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    arguments.add_argument("--port", type=int, default=8000, help="default: %(default)s; 0: a free one")
    add_setup_arguments(arguments)
    return arguments.parse_args()


def _version() -> str:
    try:
        return version("nightwarden")
    except PackageNotFoundError:
        return "unknown"


if __name__ == "__main__":
    leave(main)
