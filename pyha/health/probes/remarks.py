"""What a rule says about its own verdict: `ok-status`, `on-error`, `comment` and their relatives (manual, 4.2)."""

from dataclasses import dataclass

from pyha.config.model import CheckExpect
from pyha.health.verdict import WITH_CODE, Verdict

from .template import Source, Template, expression, template


@dataclass(frozen=True, slots=True)
class Remarks:
    """How to word the verdict of an expectation."""

    comment: str = ""
    ok_status: str | None = None
    error_status: str | None = None
    on_success: Template | None = None
    on_error: Template | None = None
    code: str | Source | None = None

    @classmethod
    def of(cls, step: CheckExpect) -> "Remarks":
        """Those of a configured step. Raises ValueError for what a check cannot know."""
        return cls(step.comment, step.ok_status, step.error_status,
                   template(step.on_success) if step.on_success else None,
                   template(step.on_error) if step.on_error else None,
                   expression(step.status_code) if step.status_code else None)

    def passed(self, status: str, data: bytes, *, info: str = "", code: int | None = None) -> Verdict:
        """The answer is as expected."""
        status = self.ok_status or status
        if self.on_success is not None:
            info = self.on_success.fill(data)
        return Verdict(status, self._code(status, data, code), info)

    def failed(self, status: str, data: bytes, *, info: str = "", code: int | None = None,
               own: str | None = None) -> Verdict:
        """It is not. `own` is a sentence that goes before `on-error`."""
        status = self.error_status or status
        if own is not None:
            info = own
        elif self.on_error is not None:
            info = self.on_error.fill(data)
        if self.comment:
            info += f" comment: {self.comment}" if own is None else f" comment: '{self.comment}'"
        return Verdict(status, self._code(status, data, code), info)

    def _code(self, status: str, data: bytes, code: int | None) -> int | None:
        if status not in WITH_CODE:
            return None
        if self.code is None:
            return code
        text = self.code if isinstance(self.code, str) else self.code(data).decode("latin-1")
        return int(text) if text.isascii() and text.isdigit() else code


PLAIN = Remarks()
"""Nothing was said."""
