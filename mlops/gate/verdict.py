"""The verdict of the gate, as data and as a sentence."""

from typing import Literal

from msgspec import Struct

from mlops.gate.finding import Finding, Outcome

Decision = Literal["promote", "reject", "not_enough_data"]


class Verdict(Struct, frozen=True, kw_only=True):
    """`samples_needed` is how many more matured samples the next look waits for; 0 unless there are too few."""

    decision: Decision
    samples: int
    samples_needed: int = 0
    look: int = 0  # of this many samples; judging again within the same look is no new evidence
    findings: tuple[Finding, ...] = ()
    figures: dict[str, float] = {}

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is not a promotion, each with its figure."""
        wanted = {"promote": (), "reject": (Outcome.FAILED,), "not_enough_data": (Outcome.UNDECIDED,)}
        found = [finding for finding in self.findings if finding.outcome in wanted[self.decision]]
        if self.decision == "reject" and not found:
            found = [finding for finding in self.findings if finding.outcome == Outcome.UNDECIDED]
        return tuple(f"{finding.rule}: {finding.says}" for finding in found)

    def sentence(self) -> str:
        if self.decision == "promote":
            gain = next(finding.says for finding in self.findings if finding.rule == "gain")
            return f"promote: {gain}, on {self.samples} samples"
        if self.decision == "reject":
            return f"reject, on {self.samples} samples: {'; '.join(self.reasons)}"
        return (
            f"not enough data: {self.samples} samples, {self.samples_needed} more needed:"
            f" {'; '.join(self.reasons)}"
        )
