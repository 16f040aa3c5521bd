import asyncio
import os
import socket

import pytest

from pyha.config.model import Config
from pyha.control.messages import Configure, Configured, Rejected, Stop
from pyha.runtime.channel import Channel


class End:
    """One end with everything that it got."""

    def __init__(self, sock_or_channel):
        self.channel = sock_or_channel if isinstance(sock_or_channel, Channel) else Channel(sock_or_channel)
        self.messages, self.fds, self.closed = [], [], asyncio.Event()
        self.channel.attach(asyncio.get_running_loop(), self._got, self.closed.set)

    def _got(self, message, fds):
        self.messages.append(message)
        self.fds.append(fds)

    async def until(self, count):
        async with asyncio.timeout(10):
            while len(self.messages) < count:
                await asyncio.sleep(0.002)


def run(test):
    asyncio.run(asyncio.wait_for(test(), 30))


def test_messages_arrive_whole_and_in_order():
    async def test():
        ours, theirs = Channel.pair()
        here, there = End(ours), End(theirs)
        sent = [Configured(generation=n) for n in range(500)]
        for message in sent:
            here.channel.send(message)
        await there.until(500)
        assert there.messages == sent
        there.channel.send(Stop(grace=2.5))
        await here.until(1)
        assert here.messages == [Stop(grace=2.5)]

    run(test)


@pytest.mark.parametrize("count", [1, 199, 200, 201, 700])
def test_any_number_of_descriptors_travels_with_its_message(count):
    async def test():
        ours, theirs = Channel.pair()
        here, there = End(ours), End(theirs)
        files = [os.open("/dev/null", os.O_RDONLY) for _ in range(count)]
        here.channel.send(Configure(generation=1, config=Config()), files)
        here.channel.send(Stop())
        for fd in files:
            os.close(fd)
        await there.until(2)
        assert [len(fds) for fds in there.fds] == [count, 0]
        for fd in there.fds[0]:
            os.fstat(fd)
            os.close(fd)

    run(test)


def test_a_descriptor_means_the_same_file_on_the_other_side():
    async def test():
        ours, theirs = Channel.pair()
        here, there = End(ours), End(theirs)
        read, write = os.pipe()
        here.channel.send(Stop(), [read])
        os.close(read)
        await there.until(1)
        os.write(write, b"hello")
        assert os.read(there.fds[0][0], 9) == b"hello"
        os.close(there.fds[0][0])
        os.close(write)

    run(test)


def test_a_slow_reader_is_waited_for_and_loses_nothing():
    async def test():
        ours, theirs = Channel.pair()
        sender = End(ours)
        big = Configure(generation=1, config=Config.model_validate(
            {"backends": [{"name": f"b{n}" * 50} for n in range(5000)]}))
        for _ in range(5):
            sender.channel.send(big)
        assert sender.channel.unsent > 0
        receiver = End(theirs)
        await receiver.until(5)
        assert receiver.messages == [big] * 5
        await sender.channel.drain()
        assert sender.channel.unsent == 0

    run(test)


def test_the_other_end_going_away_is_noticed_once_and_sending_is_then_harmless():
    async def test():
        ours, theirs = Channel.pair()
        here = End(ours)
        theirs.close()
        await asyncio.wait_for(here.closed.wait(), 10)
        here.channel.send(Stop())
        here.channel.close()

    run(test)


@pytest.mark.parametrize("garbage", [
    b"\xff" * 64,  # a length beyond anything that is sent
    b"\0\0\0\x02\0\0\0\0{}",  # JSON that is no message
    b"\0\0\0\x02\0\0\0\0\xff\xfe",  # no JSON
])
def test_garbage_closes_the_channel_because_the_other_end_is_ours_and_broken(garbage):
    async def test():
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # it also says so loudly
        ours, theirs = Channel.pair()
        here = End(ours)
        theirs.send(garbage)
        await asyncio.wait_for(here.closed.wait(), 10)
        assert here.messages == []
        assert theirs.recv(10) == b""
        theirs.close()

    run(test)


def test_closing_gives_back_descriptors_that_were_never_sent():
    async def test():
        ours, theirs = socket.socketpair()
        channel = Channel(ours)
        before = len(os.listdir("/proc/self/fd"))
        filler = Configure(generation=1, config=Config.model_validate({"backends": [{"name": "x" * 2_000_000}]}))
        channel.send(filler)
        channel.send(Stop(), [0, 0, 0])
        assert len(os.listdir("/proc/self/fd")) == before + 3
        channel.close()
        assert len(os.listdir("/proc/self/fd")) == before - 1
        theirs.close()

    run(test)


def test_a_bug_while_a_configuration_is_put_into_effect_is_answered_not_waited_for():
    async def test():
        ours, theirs = Channel.pair()
        here, child = End(ours), Channel(theirs)

        def broken(message, fds):
            raise AttributeError("no such thing")

        child.attach(asyncio.get_running_loop(), broken, lambda: None)
        here.channel.send(Configure(generation=7, config=Config()))
        await here.until(1)
        assert here.messages == [Rejected(generation=7, reason="an internal error: AttributeError('no such thing')")]
        assert not child.closed
        child.close()

    run(test)
