"""What --help shows of each command: examples that work, and the words that a command takes. Imports nothing."""

TOP = """examples:
  nightwarden demo                       break a small fleet and watch it heal
  nightwarden check services.json        is this configuration valid, and what can it not diagnose?
  nightwarden run --config services.json watch and heal, until Ctrl-C
  nightwarden incidents                  what happened, newest first
  nightwarden explain 3f2a               why an act was or was not taken
  nightwarden approve 3f2a               agree to the act that an incident asks for
  nightwarden stop worker                stop a service; it stays stopped until: nightwarden start worker
"""
OF = {
    "run": (
        "run --config services.json",
        "run --config services.json --dry-run      # say what would be done, and do nothing",
        "run --state /srv/nightwarden/state --listen 127.0.0.1:9090",
    ),
    "dashboard": ("dashboard --listen 0.0.0.0:8080     # with the daemon's NIGHTWARDEN_TOKEN",),
    "demo": ("demo", "demo --report report.json"),
    "check": ("check services.json", "check                                     # the default configuration"),
    "agent": ("agent rca_engine --config services.json",),
    "status": ("status", "status --state /srv/nightwarden/state"),
    "incidents": ("incidents", "incidents --status escalated"),
    "maintenance": ("maintenance",),
    "veto": ("veto 3f2a",),
    "explain": ("explain 3f2a",),
    "approve": ("approve 3f2a", "approve 3f2a --type shop-db        # confirm what cannot be undone"),
    "deny": ("deny 3f2a",),
    "snooze": ("snooze 3f2a --for 3600",),
    "undo": ("undo 3f2a",),
    "pause": ("pause",),
    "resume": ("resume",),
    "stop": ("stop worker",),
    "start": ("start worker",),
    "fault": (
        "fault kill worker",
        "fault freeze worker --for 60",
        "fault corrupt_file shop --set path=data/shop.json",
    ),
    "chaos": (
        "chaos config/experiments/kill.json",
        "chaos config/experiments/kill.json --journal journal.json",
    ),
    "faults": ("faults",),
    "unfault": ("unfault worker", "unfault                          # all of them"),
}
STATUSES = ("open", "waiting_approval", "recovering", "verifying", "closed", "escalated", "withdrawn")
