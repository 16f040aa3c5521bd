"""The whole exception tree.

    PyhaError
    +-- UnitError         a time or size that cannot be read (the translators turn it into a Problem)
    +-- DecodeError       a packet that must not be used; `reason` names a counter, nothing is raised past the adapter
    +-- FitnessError      this machine cannot run that configuration: no privilege, address in use, missing file
    +-- ChannelError      a broken message between two processes of pyha
    +-- ControlError      no daemon answers, or it answers with an error

Problems of a configuration are not exceptions: they are collected, all at once (pyha.config.origin.Problem).
"""


class PyhaError(Exception):
    """Everything that pyha raises on purpose; `str()` is one sentence for the operator."""


class UnitError(PyhaError):
    """A time or a size that cannot be read."""


class DecodeError(PyhaError):
    """A received packet that must be ignored.

    `reason` is a short stable word, the name of the counter that it increments; the message says what was expected.
    """

    def __init__(self, reason: str, message: str = "") -> None:
        super().__init__(message or reason)
        self.reason = reason


class FitnessError(PyhaError):
    """This machine cannot run the configuration: a privilege, an address or a file is missing."""


class ChannelError(PyhaError):
    """A message between two processes of pyha that cannot be read."""


class ControlError(PyhaError):
    """The control socket does not answer, or answers with an error."""
