"""Drives a Dialogue without a socket: the far end is a list of what the server says in each connection."""

from pyha.health.dialogue import Conclude, Connect, Dialogue, Send


class Conversation:
    """`said` has the bytes sent so far, `connects` the connections asked for."""

    def __init__(self, script):
        self.dialogue = Dialogue(script)
        self.said = b""
        self.connects = []
        self.verdict = None
        self._perform(self.dialogue.start())

    def _perform(self, actions):
        for action in actions:
            assert self.verdict is None, "an action after the end"
            if isinstance(action, Send):
                self.said += action.data
            elif isinstance(action, Connect):
                self.connects.append(action)
                assert action is actions[-1], "something is to be done before the connection stands"
            else:
                assert isinstance(action, Conclude)
                self.verdict = action.verdict

    def connected(self):
        self._perform(self.dialogue.connected())
        return self

    def hears(self, *chunks):
        for chunk in chunks:
            if self.verdict is None:
                self._perform(self.dialogue.received(chunk))
        return self

    def closed(self):
        if self.verdict is None:
            self._perform(self.dialogue.closed())
        return self

    def failed(self, stage, reason):
        self._perform(self.dialogue.failed(stage, reason))
        return self.verdict

    def expired(self, stage):
        self._perform(self.dialogue.expired(stage))
        return self.verdict


def verdict(script, *chunks, end=True):
    """What a check concludes from an answer in these pieces, and from its end unless `end` is False."""
    talk = Conversation(script).connected().hears(*chunks)
    return (talk.closed() if end else talk).verdict
