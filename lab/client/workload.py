"""Writes a sparse bundle on a share as backupd and diskimages do, through faults, and checks every byte of it.

stdin: JSON {host, share, user, password, name, bands, band_size, seed}. It goes on until the file /run/workload.stop is there.
stdout: JSON lines: {"event": "lost" | "back" | "acked" | "done" | "failed", "at": seconds since 1970, ...}.
Exits 0 when every byte is one that was acknowledged or was on its way at a fault.
"""
import json
import os
import random
import sys
import time

from smbprotocol.exceptions import SMBResponseException

from bundle import Bundle
from journal import UNIT, Mismatch
from mac import Lost, Mac

STOP = "/run/workload.stop"
count = dict.fromkeys(
    ["written", "acked", "writes", "flushes", "plists", "renames", "deletes", "backups", "checked", "doubtful"]
    + ["lost", "taken_up", "opened_anew"], 0,
)
told = 0.0


def tell(event, **more):
    print(json.dumps({"event": event, **{"at": time.time(), **more}}), flush=True)


def on_lost(why):
    count["lost"] += 1
    tell("lost", why=why)


def on_back(seconds, taken_up, opened_anew):
    count["taken_up"] += len(taken_up)
    count["opened_anew"] += len(opened_anew)
    idle = [{"path": handle.path, "why": handle.refused} for handle in opened_anew if not handle.writing]
    tell("back", seconds=seconds, taken_up=len(taken_up), opened_anew=len(opened_anew), idle=idle)


def pulse(mac):
    """Tells at most once a second when the server answered last."""
    global told
    if time.time() - told >= 1:
        told = time.time()
        tell("acked", at=mac.answered, bytes=count["acked"])


def rewrite(bundle, dice):
    """What most of a backup is: short runs at random places of a band that is there."""
    band = dice.choice(bundle.bands)
    units = bundle.band_size // UNIT
    places = sorted(dice.sample(range(units // 64), dice.randint(1, min(4, units // 64))))
    bundle.write(band, [(place * 64 * UNIT, os.urandom(dice.randint(1, 64) * UNIT)) for place in places])


def grow(bundle, dice):
    """A new band, from its beginning in pieces of 1 MiB; at times with a hole, as a file system leaves one."""
    piece = min(1 << 20, bundle.band_size)
    offsets = range(0, bundle.band_size, piece)
    band = bundle.new_band()
    bundle.write(band, [(at, os.urandom(piece)) for at in offsets if at == 0 or dice.random() < 0.9])


def backup(bundle, dice, most):
    """One backup: lock, results, bands, full flushes, history."""
    lock = bundle.lock()
    bundle.replace_plist("com.apple.TimeMachine.Results.plist", {"Running": True})
    for _ in range(dice.randint(20, 60)):
        if os.path.exists(STOP):
            break
        chance = dice.random()
        if chance < 0.2 and len(bundle.bands) < most or not bundle.bands:
            grow(bundle, dice)
        elif chance < 0.8:
            rewrite(bundle, dice)
        elif chance < 0.9:
            bundle.flush()
        elif chance < 0.94:
            bundle.check(dice.choice(bundle.bands))
        elif chance < 0.97:
            bundle.compact(dice.choice(bundle.bands))
        else:
            bundle.drop(dice.choice(bundle.bands))
        pulse(bundle.mac)
    bundle.flush()
    for band in list(bundle.opened):
        bundle.close_band(band)
    count["backups"] += 1
    bundle.history.append({"com.apple.backupd.SnapshotName": f"{count['backups']}.backup"})
    bundle.replace_plist("com.apple.TimeMachine.SnapshotHistory.plist", {"Snapshots": bundle.history})
    bundle.replace_plist("com.apple.TimeMachine.Results.plist", {"Running": False})
    bundle.close(lock)


def main():
    wish = json.load(sys.stdin)
    dice = random.Random(wish["seed"])
    mac = Mac(wish["host"], wish["share"], wish["user"], wish["password"], on_lost, on_back)
    mac.mount()
    bundle = Bundle(mac, f"{wish['name']}.sparsebundle", wish["band_size"], dice, count)
    bundle.make({"band-size": wish["band_size"], "size": wish["bands"] * wish["band_size"]})
    while not os.path.exists(STOP):
        backup(bundle, dice, wish["bands"])
    bundle.verify()
    tell("done", **count)


try:
    main()
except (Mismatch, Lost, SMBResponseException) as error:
    tell("failed", why=f"{type(error).__name__}: {error}", **count)
    sys.exit(1)
