"""Limits of the whole process, divided between workers that do not know of each other."""


def share(limit: int, index: int, workers: int) -> int:
    """The part of `limit` that worker `index` keeps to. The parts add up, but nobody's is less than 1.

    So two workers and `maxconn 5` make 3 and 2, and four workers and `maxconn 2` make 4 connections at most. A worker
    refuses or queues when its own part is used up, even if another has room.
    """
    part, rest = divmod(limit, workers)
    return max(1, part + (index < rest))
