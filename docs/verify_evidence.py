#!/usr/bin/env python3
"""Checks an evidence folder of Firsthand without Firsthand: python3 verify_evidence.py FOLDER

Needs Python 3.8 and the program `openssl` (1.1.1 or later) for Ed25519. It checks what docs/formats/evidence-folder.md
says under "By hand": each file's SHA-256, each chain, each signature, and each manifest. It does not read the change
bytes themselves, so it does not tell whether "record" says what they say; the program does.
"""
import base64, hashlib, json, os, struct, subprocess, sys, tempfile, time

ED25519 = bytes.fromhex("302a300506032b6570032100")  # the head of a public key in DER, RFC 8410


def le64(number):
    return struct.pack("<Q", number & (2**64 - 1))


def labelled(label, parts):
    return hashlib.sha256(le64(len(label)) + label.encode() + parts).digest()


def signed(device, message, signature):
    names = []
    for content in (ED25519 + device, message, signature):
        with tempfile.NamedTemporaryFile(delete=False) as file:
            file.write(content)
            names.append(file.name)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", names[0], "-rawin",
               "-in", names[1], "-sigfile", names[2]]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for name in names:
        os.remove(name)
    return done.returncode == 0


class Fraction(str):
    """A number with a fraction or an exponent, as it stands in the file."""


def canonical(value):
    if isinstance(value, Fraction):
        return value
    if isinstance(value, dict):
        return "{" + ",".join(canonical(key) + ":" + canonical(value[key]) for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def entry_hash(ids, position, previous, entry):
    out = ids + le64(position) + previous + le64(entry["kind"])
    out += le64(1) + bytes.fromhex(entry["document"]) if "document" in entry else le64(0)
    out += bytes.fromhex(entry["content"]) + le64((entry["hybrid"][0] << 16) + entry["hybrid"][1])
    out += le64(entry["local"][0]) + le64(entry["local"][1])
    heads = entry.get("membership")
    out += le64(0) if heads is None else le64(1 + len(heads)) + b"".join(map(bytes.fromhex, heads))
    out += le64(1) + bytes.fromhex(entry["detached"]) if "detached" in entry else le64(0)
    return labelled("firsthand entry v1", out)


def content_holds(entry):
    body = base64.b64decode(entry["body"])
    # An Automerge change: magic, checksum, then what is hashed.
    return hashlib.sha256(body[8:]).hexdigest() == entry["content"] and body[4:8].hex() == entry["content"][:8]


def proven_entries(proof):
    proven, team, space = {}, bytes.fromhex(proof["team"]), bytes.fromhex(proof["space"])
    hashes = {}  # of every entry of a run that verified: its hash, and that of the one before it
    for chain in proof["chains"]:
        writer, device = bytes.fromhex(chain["writer"]), bytes.fromhex(chain["device"])
        if labelled("firsthand writer v1", team + space + device + bytes.fromhex(chain["nonce"]))[:16] != writer:
            continue
        ids = team + space + writer
        for run in chain["runs"]:
            last, here = bytes.fromhex(run["previous"]), {}
            for number, entry in enumerate(run["entries"]):
                previous, last = last, entry_hash(ids, run["from"] + number, last, entry)
                here[chain["writer"], run["from"] + number] = (last, previous)
            head = ids + le64(run["from"] + len(run["entries"]) - 1) + last
            if signed(device, labelled("firsthand head v1", head), bytes.fromhex(run["signature"])):
                hashes.update(here)
                for number, entry in enumerate(run["entries"]):
                    if "body" in entry and content_holds(entry):
                        proven[chain["writer"], run["from"] + number] = (chain, entry)
    return proven, hashes


def seen_by(proof, hashes, place, recorder):
    """Other devices that signed a receipt of the chain at or after this entry, with nothing missing between."""
    seen = {}
    for receipt in proof.get("receipts", []):
        writer, end = receipt["writer"], receipt["position"]
        if writer != place[0] or not place[1] <= end <= place[1] + 1024 or receipt["device"] == recorder:
            continue
        if hashes.get((writer, end), [None])[0] != bytes.fromhex(receipt["hash"]):
            continue
        steps = [(hashes.get((writer, at - 1)), hashes.get((writer, at))) for at in range(place[1] + 1, end + 1)]
        if any(None in step or step[0][0] != step[1][1] for step in steps):
            continue
        device = bytes.fromhex(receipt["device"])
        text = bytes.fromhex(proof["team"] + proof["space"] + writer) + le64(end) + bytes.fromhex(receipt["hash"]) + device
        text += le64((receipt["hybrid"][0] << 16) + receipt["hybrid"][1]) + le64(receipt["local"][0]) + le64(receipt["local"][1])
        if signed(device, labelled("firsthand receipt v1", text), bytes.fromhex(receipt["signature"])):
            seen[receipt["device"]] = min(seen.get(receipt["device"], receipt["local"][0]), receipt["local"][0])
    return seen


def manifest_holds(proof, record, chain):
    names = ["byte_len", "c2pa_state", "capture_path", "captured", "incident", "mime", "original_name",
             "redacted_copy_of", "sha256"]
    text = {name: record[name] for name in names if record.get(name) is not None}
    manifest = record["manifest"]
    text.update(device=manifest["device"], sealed_at=manifest["sealed_at"], space=proof["space"], team=proof["team"],
                writer=chain["writer"])
    text = canonical(text).encode()
    message = labelled("firsthand evidence manifest v1", le64(len(text)) + text)
    key = bytes.fromhex(chain["device"])
    return manifest["device"] == chain["device"] and signed(key, message, bytes.fromhex(manifest["signature"]))


def main(folder):
    with open(os.path.join(folder, "evidence.json"), encoding="utf-8") as file:
        proof = json.load(file, parse_float=Fraction)
    (proven, hashes), good = proven_entries(proof), True
    for file in proof["files"]:
        record, problems = file["record"], []
        entries = [proven.get((place["writer"], place["position"])) for place in file["entries"]]
        if None in entries or any(entry["document"] != file["document"] for _, entry in filter(None, entries)):
            problems.append("not all entries of its record verify")
        first = next((it for it in entries if it and it[1]["kind"] == 1), None)
        if first is None or not manifest_holds(proof, record, first[0]):
            problems.append("its manifest does not verify")
        if "path" in file:
            digest = hashlib.sha256()
            with open(os.path.join(folder, "files", os.path.basename(file["path"])), "rb") as content:
                for part in iter(lambda: content.read(1 << 18), b""):
                    digest.update(part)
            if digest.hexdigest() != record["sha256"]:
                problems.append("the file is not the one that was recorded")
        print(file.get("path", file["document"]) + ":", "; ".join(problems) or "proven, by device " + first[0]["device"])
        if not problems:
            place = next((it["writer"], it["position"]) for it in file["entries"] if proven[it["writer"], it["position"]] == first)
            seen = seen_by(proof, hashes, place, first[0]["device"])
            if seen:
                first_seen = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(min(seen.values()) / 1000))
                print("  seen by %d other device(s), first by its clock at %s" % (len(seen), first_seen))
        good = good and not problems
    rest = {name: value for name, value in proof.items() if name != "signature"}
    text = canonical(rest).encode()
    message = labelled("firsthand evidence folder v1", le64(len(text)) + text)
    sealed = signed(bytes.fromhex(proof["exported"]["device"]), message, bytes.fromhex(proof["signature"]))
    print("evidence.json:", "unchanged since device " + proof["exported"]["device"] + " wrote it" if sealed else "CHANGED")
    return 0 if good and sealed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
