"""The app is killed between every two calls of journey 1: what a call returned from is there at the next start."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import GENERATED, PASSPHRASE, firsthand, record, run

HERE = Path(__file__).parent

# Says what is done, and waits to be killed.
APP = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from firsthand_core import firsthand, firsthand_record as record

def step(name):
    print(name, flush=True)
    sys.stdin.readline()

async def app(home, photo, passphrase):
    platform = firsthand.Platform()
    node = await firsthand.Node.create(home, passphrase, "River", "Amina", platform)
    step("created")
    saved = await node.incidents().add(record.Incident(title="Gate", narrative="They"))
    step("added " + saved.id)
    await node.incidents().splice(saved.id, "narrative", 4, 0, " come")
    step("typed")
    await node.files().attach(saved.id, firsthand.NewAttachment(path=photo), None, None)
    step("photographed")
    await node.incidents().edit(saved.id, record.Incident(severity=record.Severity.SEVERE))
    step("judged")
    await node.incidents().splice(saved.id, "narrative", 9, 0, " nearer")
    step("typed more")
    await node.lock()
    step("locked")

asyncio.run(app(*sys.argv[2:]))
"""

STEPS = ["created", "added", "typed", "photographed", "judged", "typed more", "locked"]


async def look(home, identity, reached):
    node = await firsthand.Node.open(str(home), PASSPHRASE, firsthand.Platform())
    try:
        page = await node.incidents().page(firsthand.IncidentFilter(), 10, None)
        if reached < STEPS.index("added"):
            assert page.rows == []
            return
        detail = await node.incidents().get(identity)
        expected = "They"
        if reached >= STEPS.index("typed"):
            expected += " come"
        if reached >= STEPS.index("typed more"):
            expected += " nearer"
        assert detail.record.narrative == expected
        assert len(detail.files) == (1 if reached >= STEPS.index("photographed") else 0)
        assert all(file.here for file in detail.files)
        severe = record.Severity.SEVERE if reached >= STEPS.index("judged") else None
        assert detail.record.severity == severe
        assert detail.reach == firsthand.Reach.ONLY_HERE
        # And the work goes on.
        await node.incidents().splice(identity, "narrative", 0, 0, "Again: ")
    finally:
        await node.shutdown()


@pytest.mark.parametrize("reached", range(len(STEPS)))
def test_killed_after(reached, tmp_path):
    photo = tmp_path / "photo.bin"
    photo.write_bytes(os.urandom(300_000))
    home = tmp_path / "home"
    app = subprocess.Popen(
        [sys.executable, "-c", APP, str(GENERATED), str(home), str(photo), PASSPHRASE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    identity = None
    for at in range(reached + 1):
        said = app.stdout.readline().split()
        assert said and " ".join(said).startswith(STEPS[at])
        if said[0] == "added":
            identity = said[1]
        if at < reached:
            app.stdin.write("\n")
            app.stdin.flush()
    app.send_signal(signal.SIGKILL)
    app.wait()
    app.stdin.close()
    app.stdout.close()
    run(look(home, identity, reached))
