"""Words in names and lines that mean trouble."""

import re

TROUBLE = re.compile(
    r"error|exception|fail|fatal|panic|severe|critical|traceback|timeout|refused", re.IGNORECASE
)
