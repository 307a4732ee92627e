"""Where the commands of services are looked for."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def child_path(environ: Mapping[str, str]) -> str:
    """PATH as children get it: where we ourselves run in a virtual environment, its commands come first."""
    folders = environ.get("PATH", os.defpath).split(os.pathsep)
    if sys.prefix == sys.base_prefix:
        return os.pathsep.join(folders)
    own = str(Path(sys.executable).parent)
    return os.pathsep.join([own, *(folder for folder in folders if folder != own)])
