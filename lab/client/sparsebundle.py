"""Makes a small sparse bundle with the layout that macOS writes.

Reads {dir, name, bands, band_size, snapshots, encrypted} as JSON from stdin, prints the
path of the bundle. Bands hold random bytes, so that no two copies are alike by chance.
"""
import datetime
import json
import os
import plistlib
import sys
import uuid

wish = json.load(sys.stdin)
bundle = os.path.join(wish["dir"], wish["name"] + ".sparsebundle")
os.makedirs(os.path.join(bundle, "bands"))
os.makedirs(os.path.join(bundle, "mapped"))


def plist(name, content):
    with open(os.path.join(bundle, name), "wb") as file:
        plistlib.dump(content, file)


for index in range(wish["bands"]):
    with open(os.path.join(bundle, "bands", format(index, "x")), "wb") as band:
        band.write(os.urandom(wish["band_size"]))

info = {
    "CFBundleInfoDictionaryVersion": "6.0",
    "band-size": wish["band_size"],
    "bundle-backingstore-version": 1,
    "diskimage-bundle-type": "com.apple.diskimage.sparsebundle",
    "size": wish["band_size"] * max(wish["bands"], 1) * 16,
}
for name in ("Info.plist", "Info.bckup"):
    plist(name, info)
plist(
    "com.apple.TimeMachine.MachineID.plist",
    {"VerificationState": 0, "com.apple.backupd.HostUUID": str(uuid.uuid4()).upper()},
)
snapshots = []
for text in wish["snapshots"]:
    done = datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(datetime.timezone.utc)
    snapshots.append(
        {
            "com.apple.backupd.SnapshotCompletionDate": done.replace(tzinfo=None),
            "com.apple.backupd.SnapshotName": done.strftime("%Y-%m-%d-%H%M%S.backup"),
        }
    )
if snapshots:
    plist("com.apple.TimeMachine.SnapshotHistory.plist", {"Snapshots": snapshots})
with open(os.path.join(bundle, "token"), "wb") as token:
    token.write(b"encrcdsa" + bytes(504) if wish["encrypted"] else b"")
open(os.path.join(bundle, "lock"), "wb").close()
print(bundle)
