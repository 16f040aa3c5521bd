"""The native check `apiserver`: whether a Kubernetes API server is ready to get clients.

It asks `/readyz` over TLS, with a token or a client certificate if there is one. What the answers mean:

- 200: up.
- 500: it lives but is not ready, starting or about to stop: no new connections, but those it has may finish.
- 401, 403: it does not let us ask, which is how a server that forbids anonymous requests answers when it is well. The
  configuration says whether that counts as up (the default) or down.
- anything else: down.
"""

from dataclasses import dataclass

from pyha.config.model import Check, CheckSend, HealthDialogue
from pyha.health.dialogue import TOKEN, Connect, Expect, Script, Send
from pyha.health.verdict import Verdict

from .http import request
from .http_answer import Answer, Malformed, read
from .steps import first_connect

_NOT_READY = 500
_NAME = "kubernetes"
_UNAUTHORIZED = (401, 403)


@dataclass(frozen=True, slots=True)
class ReadyExpected:
    """An answer to /readyz."""

    unauthorized_is_up: bool = True
    whole: bool = False  # no verdict before the answer is complete, so that the connection can be used again
    label: str = "expect readiness"

    def judge(self, data: bytes, *, ended: bool) -> Verdict | None:
        """The verdict on the bytes so far, or None while more are needed."""
        try:
            answer = read(data, ended=ended)
        except Malformed:
            return Verdict("L7RSP")
        if answer is None or (self.whole and not answer.complete):
            return None
        return self._verdict(answer)

    def _verdict(self, answer: Answer) -> Verdict:
        failed = Verdict("L7STS", answer.code, answer.reason)
        if answer.code == _NOT_READY:
            return Verdict("L7OKC", answer.code, "not ready", otherwise=failed)
        if answer.code == 200 or (answer.code in _UNAUTHORIZED and self.unauthorized_is_up):
            return Verdict("L7OK", answer.code)
        return failed


def script(health: HealthDialogue, check: Check) -> Script:
    """Connect with TLS, ask, look at the answer."""
    tls = check.tls or check.tls_options
    if tls.sni is None and tls.verify == "required":
        # An apiserver's certificate names `kubernetes` whatever address it is reached by.
        tls = tls.model_copy(update={"sni": tls.verifyhost or _NAME})
    headers = [("host", tls.sni or _NAME), ("user-agent", "pyha"), ("accept", "*/*")]
    if health.token_file:
        headers.append(("authorization", f"Bearer {TOKEN.decode()}"))
    ask = request(CheckSend(method="GET", uri=health.uri, version="HTTP/1.1", headers=tuple(headers)),
                  keep=health.keep_alive)
    first = first_connect(check)
    ready = ReadyExpected(health.unauthorized == "up", whole=health.keep_alive)
    return Script((Connect(first.host, first.port, tls, explicit=False, proxy=first.proxy),
                   Send(ask, token_file=health.token_file), Expect(ready)),
                  passed=Verdict("L7OK"), keep_alive=health.keep_alive)
