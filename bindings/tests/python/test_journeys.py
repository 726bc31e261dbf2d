"""The journeys, through the real library."""

import time
from pathlib import Path

import pytest
from conftest import PASSPHRASE, Clock, incident, firsthand, record

# 2 by 2 pixels.
PHOTO = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000002000000020802000000fdd49a73"
    "0000001149444154789c63f8cfc0f01f82181818001eee03fd7d0af7a80000000049454e44ae426082"
)


def salute():
    """Size, activity, location, unit, time, equipment."""
    now = record.LocalMoment(at_ms=int(time.time() * 1000), offset_minutes=180)
    return incident(
        title="Men with sticks at the east gate",
        narrative="About forty men came from the market",
        occurred_start=record.Occurred(time=now, precision=record.Precision.MINUTE),
        place=record.Place(lat=15.5527, lon=32.5324, accuracy_m=8.0, source=record.PlaceSource.GPS),
        severity=record.Severity.MODERATE,
        status=record.Status.OPEN,
        counts=[record.Count(what=record.CountKind.PRESENT, low=35, high=45)],
        actors=[record.Actor(role=record.ActorRole.INITIATOR, group_label="market guard", count_low=35)],
        weapons_seen=[record.Weapon(kind="sticks", usage=record.WeaponUse.DISPLAYED)],
    )


async def test_no_signal(homes, tmp_path):
    """Journey 1: entered, with a photo, without any network; the state says that it is only on this phone."""
    node = await homes.found()
    incidents = node.incidents()
    saved = await incidents.add(salute())
    photo = tmp_path / "photo.png"
    photo.write_bytes(PHOTO)
    file = await node.files().attach(saved.id, firsthand.NewAttachment(path=str(photo), caption="gate"), None, None)
    assert file.mime == "image/png" and file.here and file.signed and file.byte_len == len(PHOTO)
    end = len("About forty men came from the market")
    await incidents.splice(saved.id, "narrative", end, 0, ", shouting.")
    detail = await incidents.get(saved.id)
    assert detail.record.narrative == "About forty men came from the market, shouting."
    assert detail.reach == firsthand.Reach.ONLY_HERE
    assert [it.name for it in detail.files] == ["photo.png"]
    assert detail.record.place.accuracy_m == 8.0
    assert detail.record.counts[0].low == 35 and detail.record.weapons_seen[0].kind == "sticks"
    assert await incidents.find(saved.short_code) == saved.id
    copy = tmp_path / "copy.png"
    assert await node.files().save(
        saved.id, "photo.png", record.VariantKind.ORIGINAL, str(copy), None, None
    ) == len(PHOTO)
    assert copy.read_bytes() == PHOTO
    history = await incidents.history(saved.id)
    assert any(step.field == "narrative" and step.what == "text" for step in history)


async def test_two_editors(homes):
    """Journey 2: edited on two phones that were apart; nothing is lost, and a conflict is settled by a lead."""
    lead = await homes.found("Amina")
    other, address = await homes.join(lead, "Amina", "Bakri")
    saved = await lead.incidents().add(
        incident(title="Crowd", narrative="The crowd is at the gate.", severity=record.Severity.UNKNOWN)
    )
    await other.syncing().meet_once(address, None)
    a, b = lead.incidents(), other.incidents()
    await a.splice(saved.id, "narrative", 0, 0, "At ten: ")
    await b.splice(saved.id, "narrative", len("The crowd is at the gate."), 0, " It grows.")
    injured = record.Count(what=record.CountKind.INJURED, low=2, high=2)
    injured.source = "witness"
    await a.edit(saved.id, incident(severity=record.Severity.MODERATE, counts=[injured]))
    injured.source = "medic"
    await b.edit(saved.id, incident(severity=record.Severity.SEVERE, counts=[injured]))
    await other.syncing().meet_once(address, None)
    for incidents in (a, b):
        detail = await incidents.get(saved.id)
        assert detail.record.narrative == "At ten: The crowd is at the gate. It grows."
        assert detail.record.severity == record.Severity.SEVERE
        assert sorted(it.source for it in detail.record.counts) == ["medic", "witness"]
        assert {it.value.severity for it in detail.conflicts[0].candidates} == {
            record.Severity.MODERATE,
            record.Severity.SEVERE,
        }
    with pytest.raises(firsthand.ApiError.Refused) as refused:
        await a.edit(saved.id, incident(severity=record.Severity.MINOR))
    assert refused.value.why == firsthand.Refusal.CONFLICT
    conflict = (await a.conflicts())[0]
    assert conflict.field == "severity" and conflict.id == saved.id
    pick = next(it for it in conflict.candidates if it.value.severity == record.Severity.MODERATE)
    assert await a.resolve(saved.id, "severity", pick.key, "seen") == firsthand.Settled.COUNTS
    await other.syncing().meet_once(address, None)
    for incidents in (a, b):
        detail = await incidents.get(saved.id)
        assert detail.conflicts == [] and detail.record.severity == record.Severity.MODERATE


async def test_six_phones(homes, tmp_path):
    """Journey 3: six phones around one of them; "complete" only when every file has come, too."""
    lead = await homes.found("Amina")
    phones = []
    for name in ("Bakri", "Celia", "Deng", "Esra", "Fadi"):
        phone, address = await homes.join(lead, "Amina", name)
        phones.append(phone)
    photo = tmp_path / "photo.png"
    photo.write_bytes(PHOTO)
    for phone in phones:
        saved = await phone.incidents().add(salute())
        await phone.files().attach(saved.id, firsthand.NewAttachment(path=str(photo)), None, None)
    for phone in phones:
        await phone.syncing().meet(address)
    observer = homes.observers["Amina"]
    while True:
        heard = len(observer.calls)
        state = await lead.syncing().state()
        complete = [device.complete for device in state.devices]
        team = await lead.team().state()
        if all(complete) and team.incidents == len(phones):
            break
        # "complete" is never said of a phone that lacks something.
        assert all(not it.complete or (it.lacks == 0 and it.files_pending == 0) for it in state.devices)
        await observer.news.until(lambda: len(observer.calls) > heard)
    assert state.all_here_complete and state.files_pending == 0 and len(state.devices) == 5
    for phone in phones:
        page = await phone.incidents().page(firsthand.IncidentFilter(), 50, None)
        assert len(page.rows) == 5 and all(row.files == 1 for row in page.rows)


async def test_phone_seized(homes, tmp_path):
    """Journey 5: a locked phone tells nothing, is taken out from another one without the internet, and is refused."""
    lead = await homes.found("Amina")
    seized, address = await homes.join(lead, "Amina", "Bakri")
    name = "Zukhruf of the ninth street"
    saved = await seized.incidents().add(incident(title=name, narrative=name))
    await seized.syncing().meet_once(address, None)
    await seized.lock()
    assert not seized.is_open()
    for ask in (seized.incidents().get(saved.id), seized.team().state(), seized.roster().board()):
        with pytest.raises(firsthand.ApiError.Locked):
            await ask
    for file in (tmp_path / "Bakri").rglob("*"):
        if file.is_file():
            assert name.encode() not in file.read_bytes() and b"Bakri" not in file.read_bytes()
    devices = await lead.team().devices()
    theirs = next(it for it in devices if it.name == "Bakri")
    await lead.team().remove_device(theirs.device, firsthand.RemovalReason.SEIZED)
    assert not next(it for it in await lead.team().devices() if it.name == "Bakri").admitted
    await lead.incidents().add(incident(title="After"))
    # Whoever forced the passphrase out gets nothing new.
    await seized.unlock(PASSPHRASE)
    with pytest.raises(firsthand.ApiError.NoAnswer):
        await seized.syncing().meet_once(address, None)
    assert [row.title for row in (await seized.incidents().page(firsthand.IncidentFilter(), 9, None)).rows] == [name]
    assert (await lead.incidents().get(saved.id)).record.title == name


async def test_clock_one_day_ahead(homes):
    """Journey 9: what a wrong clock entered is marked with the true time, and its date wins nothing."""
    day = 24 * 60 * 60 * 1000
    lead = await homes.found("Amina")
    ahead, address = await homes.join(lead, "Amina", "Bakri", clock=Clock(ahead_ms=day))
    shared = await lead.incidents().add(incident(title="Shared", severity=record.Severity.MINOR))
    await ahead.syncing().meet_once(address, None)
    made = [await ahead.incidents().add(incident(title=f"{at}")) for at in range(4)]
    await ahead.incidents().edit(shared.id, incident(severity=record.Severity.MODERATE))
    await lead.incidents().edit(shared.id, incident(severity=record.Severity.SEVERE))
    await ahead.syncing().meet_once(address, None)
    detail = await lead.incidents().get(shared.id)
    # The edit with the later date does not win: there is a conflict, and the more severe value is acted on.
    assert detail.conflicts[0].field == "severity" and detail.record.severity == record.Severity.SEVERE
    for saved in made:
        detail = await lead.incidents().get(saved.id)
        now = int(time.time() * 1000)
        assert abs(detail.created.at_ms - day - now) < 5 * 60 * 1000, "what the phone showed stays"
        assert abs(detail.estimated.at_ms - now) < 5 * 60 * 1000
        assert any(it.rule == record.Rule.CLOCK_SKEW for it in detail.findings)
