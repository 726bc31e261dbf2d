"""What all tests share: the generated module, homes in temporary folders, and a phone's ports."""

import asyncio
import inspect
import os
import sys
import threading
import time
from pathlib import Path

import pytest

# `cargo xtask` names the folder; `cargo xtask bindings` writes it there.
BESIDE = Path(__file__).resolve().parents[3] / "target" / "bindings" / "python"
GENERATED = Path(os.environ.get("FIRSTHAND_GENERATED", BESIDE))
sys.path.insert(0, str(GENERATED))

from firsthand_core import firsthand  # noqa: E402
from firsthand_core import firsthand_record as record  # noqa: E402

PASSPHRASE = "five words picked at random"


def pytest_pyfunc_call(pyfuncitem):
    """Runs tests that are coroutines."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: pyfuncitem.funcargs[name] for name in names}

    run(pyfuncitem.obj(**arguments))
    return True


def run(coroutine):
    """Runs it, and the ports that are coroutines beside it."""

    async def both():
        firsthand.uniffi_set_event_loop(asyncio.get_running_loop())
        await coroutine

    asyncio.run(both())


class News:
    """What other threads tell, and what a test waits for."""

    def __init__(self):
        self._news = threading.Condition()

    def tell(self, change):
        with self._news:
            change()
            self._news.notify_all()

    async def until(self, holds, missing="what was waited for never came"):
        """The first true value that `holds` gives; it is asked again at everything that is told."""

        def look():
            with self._news:
                if not (found := self._news.wait_for(holds, timeout=60)):
                    raise AssertionError(missing)
                return found

        return await asyncio.to_thread(look)


class Observer(firsthand.Observer):
    """Collects what happened, and lets a test wait for something of it."""

    def __init__(self):
        self.calls = []
        self.news = News()

    def happened(self, happened):
        self.news.tell(lambda: self.calls.append(happened))

    def happenings(self, kind):
        return [it for call in self.calls for it in call.happenings if isinstance(it, kind)]

    async def wait(self, kind, such=lambda it: True):
        found = await self.news.until(
            lambda: [it for it in self.happenings(kind) if such(it)], f"{kind} never came"
        )
        return found[-1]


class Clock(firsthand.PlatformClock):
    """A phone's clock that is off by so many milliseconds."""

    def __init__(self, ahead_ms=0):
        self.ahead_ms = ahead_ms

    def now(self):
        return record.LocalMoment(at_ms=int(time.time() * 1000) + self.ahead_ms, offset_minutes=60)

    def uptime(self):
        return firsthand.Uptime(boot="b", ms=int(time.monotonic() * 1000))


class Homes:
    """Homes of one test, closed when it ends."""

    def __init__(self, folder):
        self.folder = folder
        self.nodes = []
        self.observers = {}

    def platform(self, name, **ports):
        observer = self.observers.setdefault(name, Observer())
        return firsthand.Platform(observer=ports.pop("observer", observer), **ports)

    async def found(self, name="Amina", **ports):
        platform = self.platform(name, **ports)
        node = await firsthand.Node.create(str(self.folder / name), PASSPHRASE, "River", name, platform)
        self.nodes.append(node)
        return node

    async def join(self, lead, lead_name, name, role=None, **ports):
        """Lets somebody join by an invitation, and gives their home and where the lead listens."""
        address = await lead.syncing().listen("127.0.0.1:0")
        code = await lead.team().invite(role or firsthand.TeamRole.RESPONDER, [address])
        platform = self.platform(name, **ports)
        joining = await firsthand.Joining.begin(str(self.folder / name), PASSPHRASE, code, name, platform)
        # Both screens show the same words.
        words = await self.observers[lead_name].wait(
            firsthand.Happening.WORDS, lambda it: it.words == joining.words()
        )
        await lead.team().compared(words.link, True)
        node = await joining.confirm()
        self.nodes.append(node)
        return node, address

    async def close(self):
        for node in self.nodes:
            try:
                await node.shutdown()
            except firsthand.ApiError.Locked:
                pass


@pytest.fixture
def homes(tmp_path):
    homes = Homes(tmp_path)
    yield homes
    run(homes.close())


def incident(**fields):
    """A new incident."""
    return record.Incident(**fields)
