"""Errors, observers, cancelling, locking, ports that throw, long lists, versions."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import threading
import time

import pytest
from conftest import GENERATED, PASSPHRASE, Clock, News, Observer, incident, firsthand, record


async def test_fields_are_named(homes):
    node = await homes.found()
    with pytest.raises(firsthand.ApiError.Invalid) as invalid:
        await node.incidents().add(
            incident(title="x" * 121, place=record.Place(lat=91.0, lon=120.0, source=record.PlaceSource.GPS))
        )
    fields = {it.field: it.rule for it in invalid.value.fields}
    assert fields == {"title": record.Rule.TOO_LONG, "place.lat": record.Rule.LATITUDE_OUT_OF_RANGE}
    with pytest.raises(firsthand.ApiError.Invalid) as invalid:
        await node.incidents().get("no id")
    assert invalid.value.fields[0].field == "id"
    with pytest.raises(firsthand.ApiError.Refused) as refused:
        await node.incidents().get("00" * 16)
    assert refused.value.why == firsthand.Refusal.NOT_FOUND
    # An identifier inside a record that is none: nothing is done.
    with pytest.raises(firsthand.InternalError):
        await node.incidents().add(incident(title="Owned", owner="nobody"))
    assert (await node.team().state()).incidents == 0


async def test_what_is_left_out_stays(homes):
    node = await homes.found()
    incidents = node.incidents()
    saved = await incidents.add(incident(title="Gate", category="Protest", severity=record.Severity.MINOR))
    await incidents.edit(saved.id, incident(severity=record.Severity.SEVERE))
    detail = (await incidents.get(saved.id)).record
    assert (detail.title, detail.category, detail.severity) == ("Gate", "Protest", record.Severity.SEVERE)
    await incidents.clear(saved.id, ["category"])
    assert (await incidents.get(saved.id)).record.category is None
    await incidents.close_incident(saved.id, "over")
    assert (await incidents.get(saved.id)).record.status == record.Status.CLOSED
    await incidents.reopen(saved.id, "not over")
    assert (await incidents.get(saved.id)).record.status != record.Status.CLOSED
    with pytest.raises(firsthand.ApiError.Invalid) as invalid:
        await incidents.splice(saved.id, "narrative", 5, 1, "x")
    assert invalid.value.fields[0].field == "narrative"


async def test_lock_and_unlock(homes):
    node = await homes.found()
    saved = await node.incidents().add(incident(title="Kept"))
    incidents = node.incidents()
    report = await node.lock()
    assert report.next_overdue_ms is None
    await node.lock()
    with pytest.raises(firsthand.ApiError.Locked):
        await incidents.get(saved.id)
    with pytest.raises(firsthand.ApiError.Locked) as locked:
        await node.unlock("wrong")
    assert locked.value.tries_left == 9
    await node.unlock(PASSPHRASE)
    assert (await incidents.get(saved.id)).record.title == "Kept"
    await node.change_passphrase(PASSPHRASE, "others")
    await node.lock()
    with pytest.raises(firsthand.ApiError.Locked):
        await node.unlock(PASSPHRASE)
    await node.unlock("others")


async def test_deadlines_outlive_the_lock(homes):
    """The overdue alarm is not silenced by locking: the shell knows when, and not about whom."""
    node = await homes.found()
    me = (await node.team().state()).me
    now = int(time.time() * 1000)
    shift = await node.roster().add_shift(
        record.Shift(
            title="Night",
            start=record.LocalMoment(at_ms=now - 60_000, offset_minutes=0),
            end=record.LocalMoment(at_ms=now + 8 * 3_600_000, offset_minutes=0),
            check_in_rule=record.CheckInRule(every_min=30, grace_min=10),
        )
    )
    assert await node.roster().assign(
        shift.id, record.Assignment(person=me, role="observer")
    ) == firsthand.Settled.COUNTS
    await node.roster().move_on(shift.id, record.ShiftStatus.ACTIVE)
    await node.roster().check_in(record.CheckIn(state=record.CheckInState.OK, note="by the bridge"))
    board = await node.roster().board()
    assert board.lines[0].state == record.CheckInState.OK and board.lines[0].due.is_in()
    report = await node.lock()
    assert 35 * 60_000 < report.next_overdue_ms <= 40 * 60_000


async def test_closed_twice(homes):
    node = await homes.found()
    await node.shutdown()
    for again in (node.shutdown(), node.lock(), node.unlock(PASSPHRASE), node.team().state()):
        with pytest.raises(firsthand.ApiError.Locked):
            await again
    opened = await firsthand.Node.open(str(homes.folder / "Amina"), PASSPHRASE, homes.platform("Amina"))
    homes.nodes.append(opened)


async def test_another_has_the_home(homes):
    await homes.found()
    folder = str(homes.folder / "Amina")
    with pytest.raises(firsthand.ApiError.InUse):
        await firsthand.Node.open(folder, PASSPHRASE, homes.platform("Amina"))
    await homes.nodes[0].shutdown()
    with pytest.raises(firsthand.ApiError.Refused) as refused:
        await firsthand.Node.create(folder, PASSPHRASE, "River", "Bakri", homes.platform("Amina"))
    assert refused.value.why == firsthand.Refusal.EXISTS


async def test_a_home_that_vanishes(homes):
    node = await homes.found()
    await node.incidents().add(incident(title="Gone"))
    shutil.rmtree(homes.folder / "Amina")
    await node.lock()
    with pytest.raises(firsthand.ApiError.HomeFailed):
        await node.unlock(PASSPHRASE)
    with pytest.raises(firsthand.ApiError.HomeFailed):
        await firsthand.Node.open(str(homes.folder / "Amina"), PASSPHRASE, homes.platform("Amina"))


class Vault(firsthand.KeyVault):
    def __init__(self):
        self.throws = None

    def secret(self):
        if self.throws:
            raise self.throws
        return bytes(range(32))

    def installation(self):
        return b"installation no1"


async def test_a_vault_that_refuses(homes):
    vault = Vault()
    node = await homes.found(vault=vault)
    await node.lock()
    for throws, gone in (
        (firsthand.PortError.Unavailable(), False),
        (firsthand.PortError.Gone(), True),
        (ValueError("a name"), False),
    ):
        vault.throws = throws
        with pytest.raises(firsthand.ApiError.KeyStore) as refused:
            await node.unlock(PASSPHRASE)
        assert refused.value.gone == gone and "a name" not in str(refused.value)
    vault.throws = None
    # None of these was a try of the passphrase.
    with pytest.raises(firsthand.ApiError.Locked) as locked:
        await node.unlock("wrong")
    assert locked.value.tries_left == 9
    await node.unlock(PASSPHRASE)
    await node.shutdown()
    # Without the key store the passphrase alone opens nothing.
    with pytest.raises(firsthand.ApiError):
        await firsthand.Node.open(str(homes.folder / "Amina"), PASSPHRASE, firsthand.Platform())


class Nowhere(firsthand.Location):
    def __init__(self):
        self.cancelled = asyncio.Event()

    async def position(self):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


class Here(firsthand.Location):
    async def position(self):
        return firsthand.Position(lat=15.5, lon=32.5, accuracy_m=6.0, source=record.PlaceSource.GPS)


class Forbidden(firsthand.Location):
    async def position(self):
        raise firsthand.PortError.Unavailable()


async def test_a_location_that_never_comes(homes):
    nowhere = Nowhere()
    node = await homes.found(location=nowhere)
    with pytest.raises(firsthand.ApiError.NoAnswer) as late:
        await node.position(100, None)
    assert "in time" in str(late.value)
    await asyncio.wait_for(nowhere.cancelled.wait(), 60)
    cancel = firsthand.CancelToken()
    asking = asyncio.ensure_future(node.position(3_600_000, cancel))
    await asyncio.sleep(0)
    cancel.cancel()
    with pytest.raises(firsthand.ApiError.Cancelled):
        await asking
    here = await homes.found("Bakri", location=Here())
    assert (await here.position(60_000, None)).accuracy_m == 6.0
    forbidden = await homes.found("Celia", location=Forbidden())
    with pytest.raises(firsthand.ApiError.NoAnswer):
        await forbidden.position(60_000, None)


async def test_an_empty_camera_file(homes, tmp_path):
    node = await homes.found()
    saved = await node.incidents().add(incident(title="Empty"))
    empty = tmp_path / "photo.jpg"
    empty.touch()
    with pytest.raises(firsthand.ApiError.Refused) as refused:
        await node.files().attach(saved.id, firsthand.NewAttachment(path=str(empty)), None, None)
    assert refused.value.why == firsthand.Refusal.EMPTY_FILE
    with pytest.raises(firsthand.ApiError.Refused) as refused:
        missing = firsthand.NewAttachment(path=str(tmp_path / "none.jpg"))
        await node.files().attach(saved.id, missing, None, None)
    assert refused.value.why == firsthand.Refusal.NOT_FOUND
    assert (await node.incidents().get(saved.id)).files == []


class Halfway(firsthand.ProgressListener):
    """Cancels once something was done."""

    def __init__(self, cancel):
        self.cancel = cancel
        self.heard = []

    def progress(self, done, total):
        self.heard.append((done, total))
        self.cancel.cancel()


async def test_cancelling(homes, tmp_path):
    node = await homes.found()
    saved = await node.incidents().add(incident(title="Long film"))
    film = tmp_path / "film.mp4"
    film.write_bytes(os.urandom(1 << 20) * 4)
    cancel = firsthand.CancelToken()
    halfway = Halfway(cancel)
    with pytest.raises(firsthand.ApiError.Cancelled):
        await node.files().attach(saved.id, firsthand.NewAttachment(path=str(film)), halfway, cancel)
    assert halfway.heard and halfway.heard[-1][0] < halfway.heard[-1][1] == 4 << 20
    assert cancel.is_cancelled() and (await node.incidents().get(saved.id)).files == []
    await node.files().attach(saved.id, firsthand.NewAttachment(path=str(film)), None, firsthand.CancelToken())
    assert (await node.incidents().get(saved.id)).files[0].byte_len == 4 << 20


async def test_a_dropped_wait_loses_nothing(homes):
    node = await homes.found()
    listener = Listener()
    watch = await node.incidents().watch(firsthand.IncidentFilter(), 50, listener)
    for at in range(20):
        asking = asyncio.ensure_future(node.incidents().add(incident(title=f"{at}")))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    # What was begun is done.
    await listener.until(lambda: len(listener.rows) == 20)
    watch.end()


class Throwing(Observer):
    def happened(self, happened):
        super().happened(happened)
        raise RuntimeError("an observer that throws")


class BrokenClock(firsthand.PlatformClock):
    def now(self):
        raise RuntimeError("no clock")

    def uptime(self):
        raise firsthand.PortError.Failed()


class BrokenNotifier(firsthand.Notifier):
    def __init__(self):
        self.shown = threading.Event()
        self.notice = None

    def show(self, notice):
        self.notice = notice
        self.shown.set()
        raise RuntimeError("no notifications")


async def test_ports_that_throw(homes):
    observer, notifier = Throwing(), BrokenNotifier()
    node = await homes.found(observer=observer, clock=BrokenClock(), notifier=notifier)
    saved = await node.incidents().add(incident(title="All the same"))
    created = (await node.incidents().get(saved.id)).created
    assert abs(created.at_ms - time.time() * 1000) < 60_000, "the system's clock is read"
    await observer.news.until(lambda: observer.calls)
    heard = len(observer.calls)
    await node.roster().check_in(record.CheckIn(state=record.CheckInState.NEED_SUPPORT))
    assert await asyncio.to_thread(notifier.shown.wait, 60)
    assert notifier.notice == firsthand.Notice.ALARM, "it says that there is something, not about whom"
    await observer.news.until(lambda: len(observer.calls) > heard)
    alarm = await observer.wait(firsthand.Happening.ALARM)
    assert alarm.state == record.CheckInState.NEED_SUPPORT


class Listener(firsthand.IncidentListListener):
    """Applies what it hears, and keeps how often it heard."""

    def __init__(self):
        self.rows = []
        self.calls = 0
        self.end = None
        self.news = News()

    async def until(self, holds):
        await self.news.until(holds)

    def changed(self, changes):
        self.news.tell(lambda: self.apply(changes))

    def apply(self, changes):
        self.calls += 1
        for change in changes:
            if isinstance(change, firsthand.ListChange.INSERTED):
                self.rows.insert(change.at, change.row)
            elif isinstance(change, firsthand.ListChange.REMOVED):
                del self.rows[change.at]
            else:
                self.rows[change.at] = change.row

    def ended(self, error):
        def end():
            self.end = error

        self.news.tell(end)


async def test_ten_thousand_incidents(homes):
    node = await homes.found()
    incidents = node.incidents()
    report = await incidents.import_all([incident(title=f"Incident {at}") for at in range(10_000)], None, None)
    assert report == firsthand.Imported(added=10_000, already=0, rejected=0, stopped=False)
    seen, after, times = [], None, []
    while True:
        began = time.perf_counter()
        page = await incidents.page(firsthand.IncidentFilter(), 50, after)
        times.append(time.perf_counter() - began)
        seen += [row.id for row in page.rows]
        after = page.next
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 10_000
    times.sort()
    print(f"figure: a page of 50 of 10,000 through Python, median {times[len(times) // 2] * 1000:.2f} ms")
    # The list that is watched brings the first page, more when asked, and then only what changes.
    listener = Listener()
    watch = await incidents.watch(firsthand.IncidentFilter(), 50, listener)
    await listener.until(lambda: len(listener.rows) == 50)
    assert [row.id for row in listener.rows] == seen[:50]
    assert await watch.more()
    assert [row.id for row in listener.rows] == seen[:100]
    new = await incidents.add(incident(title="Newest"))
    await listener.until(lambda: listener.rows and listener.rows[0].id == new.id)
    assert len(listener.rows) == 100 and listener.rows[1].id == seen[0]
    await incidents.edit(new.id, incident(title="Newest, edited"))
    await listener.until(lambda: listener.rows[0].title == "Newest, edited")
    # Many changes in a row are told in few calls.
    calls = listener.calls
    for at in range(100):
        await incidents.edit(new.id, incident(title=f"{at}"))
    await listener.until(lambda: listener.rows[0].title == "99")
    assert listener.calls - calls < 100
    # The number of a short code is found, too.
    found = await incidents.search("incident 9999", 5)
    assert "Incident 9999" in [row.title for row in found] and len(found) <= 2
    # The first use of a list that was locked says so.
    await node.lock()
    await listener.until(lambda: listener.end is not None)
    assert isinstance(listener.end, firsthand.ApiError.Locked)
    with pytest.raises(firsthand.ApiError.Locked):
        await watch.more()


class Pipe(firsthand.PeerStream):
    """A stream of the shell: bytes for one node go into what the other one reads."""

    def __init__(self, loop):
        self.loop = loop
        self.other = None
        self.sent = 0

    def send(self, bytes):
        self.sent += len(bytes)
        asyncio.run_coroutine_threadsafe(self.other.received(bytes), self.loop).result(60)

    def finish(self):
        if self.other:
            asyncio.run_coroutine_threadsafe(self.other.ended(), self.loop).result(60)


async def test_a_stream_of_the_shell(homes):
    lead = await homes.found("Amina")
    other, _ = await homes.join(lead, "Amina", "Bakri")
    saved = await lead.incidents().add(incident(title="Over Bluetooth"))
    loop = asyncio.get_running_loop()
    there, back = Pipe(loop), Pipe(loop)
    accepted = await other.syncing().meet_over(back, False)
    there.other = accepted
    dialled = await lead.syncing().meet_over(there, True)
    back.other = dialled
    await homes.observers["Amina"].wait(firsthand.Happening.COMPLETE)
    assert (await other.incidents().get(saved.id)).record.title == "Over Bluetooth"
    assert there.sent > 0 and back.sent > 0
    await dialled.ended()
    await homes.observers["Amina"].wait(firsthand.Happening.ENDED)


def night_walk(*items):
    """A checklist in two languages."""
    title = {"en": "Before a night walk", "ar": "قبل جولة ليلية"}
    return record.TemplateContent(title=title, languages=["en", "ar"], items=list(items))


def item(item_id, item_type, **fields):
    return record.TemplateItem(item_id=item_id, item_type=item_type, **fields)


async def test_checklists_and_their_runs(homes, tmp_path):
    lead = await homes.found("Amina")
    checklists = lead.checklists()
    assert await checklists.all() == [] and await checklists.runs(10) == []
    with pytest.raises(firsthand.ApiError.Refused) as refused:
        await checklists.start("00" * 16, None)
    assert refused.value.why == firsthand.Refusal.NOT_FOUND
    bridge = item("bridge", record.ItemType.IMAGE, label={"en": "The bridge", "ar": "الجسر"})
    first = night_walk(
        item("buddy", record.ItemType.CHECK, label={"en": "Buddy named"}, critical=True),
        item("people", record.ItemType.INTEGER, label={"en": "How many"}, required=True, constraint=". > 0"),
        bridge,
    )
    published = await checklists.publish("night-walk", 1, first)
    assert (await checklists.publish("night-walk", 1, first)).id == published.id
    with pytest.raises(firsthand.ApiError.Refused):
        await checklists.publish("night-walk", 1, night_walk(bridge))
    (listed,) = await checklists.all()
    assert (listed.title["ar"], listed.items, listed.critical, listed.offered) == ("قبل جولة ليلية", 3, 1, True)
    assert (await checklists.template(published.id)).content.items[2].label == bridge.label

    other, address = await homes.join(lead, "Amina", "Bakri")
    await other.syncing().meet_once(address, None)
    run = (await other.checklists().start(published.id, None)).id
    with pytest.raises(firsthand.ApiError.Invalid) as missing:
        await other.checklists().complete(run, "en")
    assert [it.field for it in missing.value.fields] == ["buddy", "people"]
    await other.checklists().tick(run, "buddy")
    with pytest.raises(firsthand.ApiError.Refused):
        await other.checklists().answer(run, "people", "four", "")
    await other.checklists().answer(run, "people", "4", "two of us are new")
    photo = tmp_path / "bridge.jpg"
    photo.write_bytes(b"\xff\xd8\xff\xe0 no picture, and kept all the same")
    attached = firsthand.NewAttachment(path=str(photo))
    for wrong in ("people", "nothing"):
        with pytest.raises(firsthand.ApiError.Refused):
            await other.checklists().answer_with_file(run, wrong, attached, "", None, None)
    file = await other.checklists().answer_with_file(run, "bridge", attached, "from the north", None, None)
    state = await other.checklists().state(run, "ar")
    assert [it.done for it in state.items] == [True, True, True] and state.items[2].label == "الجسر"
    assert [it.answer for it in state.items[:2]] == [None, "4"]
    assert (state.done, state.total, state.files[0].document) == (3, 3, file.document)

    # The version that a run was begun with stays its own.
    await checklists.publish("night-walk", 2, night_walk(bridge))
    await other.syncing().meet_once(address, None)
    (open_run,) = await checklists.runs(10)
    assert (open_run.version, open_run.author, open_run.over) == (1, "Bakri", False)
    assert (open_run.done, open_run.total, open_run.critical_open) == (3, 3, 0)
    await other.checklists().complete(run, "en")
    await other.syncing().meet_once(address, None)
    assert (await checklists.runs(10))[0].over
    assert [it.version for it in await checklists.all()] == [2, 1]


async def test_the_sync_of_a_stranger(homes):
    """Two teams learn nothing of each other."""
    ours = await homes.found("Amina")
    theirs = await homes.found("Bakri")
    address = await ours.syncing().listen("127.0.0.1:0")
    with pytest.raises(firsthand.ApiError.NoAnswer):
        await theirs.syncing().meet_once(address, None)
    with pytest.raises(firsthand.ApiError.Invalid) as invalid:
        await ours.syncing().listen("nowhere")
    assert invalid.value.fields[0].field == "at"


def test_another_version_of_the_library_is_refused(tmp_path):
    """The generated code compares checksums of everything it calls with those of the library."""
    copy = tmp_path / "bindings"
    shutil.copytree(GENERATED, copy, symlinks=True)
    module = copy / "firsthand_core" / "firsthand.py"
    text = module.read_text()
    changed, count = re.subn(
        r"(uniffi_firsthand_bindings_checksum_method_incidents_add\(\) != )(\d+)",
        lambda it: it[1] + str((int(it[2]) + 1) % 65536),
        text,
    )
    assert count == 1
    module.write_text(changed)
    run = lambda: subprocess.run(  # noqa: E731
        [sys.executable, "-c", "import firsthand_core.firsthand"], cwd=copy, capture_output=True, text=True
    )
    refused = run()
    assert refused.returncode != 0 and "checksum mismatch" in refused.stderr
    module.write_text(text)
    assert run().returncode == 0


def test_documentation_reaches_the_generated_code():
    text = (GENERATED / "firsthand_core" / "firsthand.py").read_text()
    assert "Saves a new incident. When this returns, it is on the disk." in text
    assert "The phone's key store." in text
    assert "Something that happened, as the team knows it." in (GENERATED / "firsthand_core" / "firsthand_record.py").read_text()
