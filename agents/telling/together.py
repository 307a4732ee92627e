"""Which incidents are told in one message: those that one service causes, and those that come in a burst."""

from msgspec.structs import replace

from agents.telling.stories import State, Story

BURST = 4
BURST_S = 30.0  # from one to the next
RING_TOGETHER_S = 60.0  # a message of several is not rung more often than this by its members


def joined(state: State, story: Story) -> None:
    """Find it its place; it keeps that to its end."""
    if state.head(story) is not story:
        return
    if story.blames:
        _under_its_cause(state, story)
    elif not story.cause:  # just opened
        _with_those_who_wait_for_it(state, story)
        _in_a_burst(state)


def ring(state: State, story: Story, at: float, quiet_s: float, together_s: float = RING_TOGETHER_S) -> None:
    """People should look at its message; `together_s` is for a member of a group."""
    head = state.head(story)
    if head.id != story.id:
        quiet_s = max(quiet_s, together_s)
    if not head.rang_at or at - head.rang_at >= quiet_s:
        state.stories[head.id] = replace(head, rang_at=at)


def _under_its_cause(state: State, story: Story) -> None:
    """The culprit's own incident; else the eldest that blames the same culprit."""
    culprit = state.open_of(story.blames)
    if culprit is not None:
        _put(state, story, culprit)
        return
    same = [other for other in state.open_ones() if other.blames == story.blames and other.id != story.id]
    if same:
        _put(state, story, same[0])


def _with_those_who_wait_for_it(state: State, story: Story) -> None:
    for other in tuple(state.open_ones()):
        if other.blames == story.service and not other.part_of:
            _put(state, other, story)


def _in_a_burst(state: State) -> None:
    """Several at once have something in common, even where nobody knows what."""
    opened = sorted(state.open_ones(), key=lambda other: other.opened_at)
    burst: list[Story] = []
    for other in reversed(opened):
        if burst and burst[-1].opened_at - other.opened_at > BURST_S:
            break
        burst.append(other)
    if len(burst) < BURST:
        return
    eldest = burst[-1]
    for other in burst[:-1]:
        if not other.part_of:
            _put(state, other, eldest)


def _put(state: State, story: Story, under: Story) -> None:
    story, head = state.stories[story.id], state.head(state.stories[under.id])
    if head.id == story.id:
        return
    state.stories[story.id] = replace(story, part_of=head.id)
    if story.rang_at > head.rang_at:
        state.stories[head.id] = replace(head, rang_at=story.rang_at)
