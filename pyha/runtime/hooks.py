"""`startup_script` and `shutdown_script` (keepalived.conf(5)): run once, before everything and after everything."""

import asyncio
import logging

from pyha.config.vrrp_model import Hook, Vrrp
from pyha.errors import FitnessError
from pyha.runtime import scripts
from pyha.units import seconds

_log = logging.getLogger("pyha.supervisor")


async def perform(hook: Hook | None, vrrp: Vrrp, word: str) -> None:
    """Run it, and wait for its end or for as long as it may take. Never raises: what goes wrong is told."""
    if hook is None or not hook.argv:
        return
    try:
        who = scripts.identity(vrrp, *((hook.user.user, hook.user.group) if hook.user else ()))
    except FitnessError as error:
        _log.error("%s is not run: %s", word, error)
        return
    if vrrp.script_security and (reason := scripts.insecure(hook.argv, who)):
        _log.error("%s is not run: %s", word, reason)
        return
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()
    try:
        process = scripts.Process(loop, hook.argv, who, ended.set_result, dies_with_us=False)
    except OSError as error:
        _log.error("%s cannot be run: %s", word, error.strerror)
        return
    try:
        code = await asyncio.wait_for(asyncio.shield(ended), seconds(hook.timeout))
    except TimeoutError:
        _log.error("%s did not end within %g s and is ended", word, seconds(hook.timeout))
        process.kill()
    else:
        _log.log(logging.WARNING if code else logging.INFO, "%s exited with status %d", word, code)
