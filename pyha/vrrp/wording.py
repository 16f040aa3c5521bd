"""What the log says about other routers, in keepalived's words where it has some: operators search for them."""

from pyha.config.base import IPAddress


def yielding(theirs: int, ours: int, source: IPAddress) -> str:
    """Why an Active router becomes Backup."""
    if theirs > ours:
        return f"higher priority {theirs} from {source}"
    return f"the same priority {ours} from the higher address {source}"


def conflict(theirs: int, ours: int, source: IPAddress) -> str:
    """Active, and a lesser router is it, too."""
    return f"Received advert from {source} with lower priority {theirs}, ours {ours}, forcing new election"


def ranks(theirs: int, ours: int, source: IPAddress) -> str:
    """Active, and a better router is it, too, whose group as a whole is lesser."""
    return (f"{source} has priority {theirs}, ours is {ours}, but another member of the sync group ranks the other way "
            "round: the lowest VRID decides")


def lower(theirs: int, ours: int, source: IPAddress) -> str:
    """Backup, and not impressed."""
    return f"received lower priority ({theirs}) advert from {source} - discarding, ours is {ours}"


def interval(before: float, after: float, source: IPAddress) -> str:
    """Version 3 learns the interval of the Active router; in seconds."""
    return f"advertisement interval updated from {before * 1000:g}ms to {after * 1000:g}ms by {source}"
