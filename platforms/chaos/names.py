"""The names of all faults: the module of platforms/chaos that has each, and what it does, for people. Imports nothing."""

FAULTS: dict[str, tuple[str, str]] = {
    "kill": ("kill", "the process group gets SIGKILL"),
    "freeze": ("freeze", "the process group gets SIGSTOP"),
    "corrupt_file": ("corrupt_file", "the first declared file is overwritten with garbage"),
    "bad_release": ("bad_release", "a broken copy of the release in use takes its place"),
    "stop_dependency": ("stop_dependency", "the first declared dependency is stopped"),
}
