"""A sparse bundle as diskimages writes it: bands by durable handles that stay open, plists by way of .tmp files."""
import plistlib

from files import ALONE, OPEN, OPEN_IF, SHARED, Files
from journal import Journal, Mismatch
from mac import Handle, Lost

AT_ONCE = 3  # writes of up to 1 MiB on their way together
OPEN_BANDS = 8


class Bundle(Files):
    """`count` is a dict of numbers that grow; `dice` a random.Random; sizes are bytes."""

    def __init__(self, mac, name, band_size, dice, count):
        super().__init__(mac)
        self.root, self.band_size, self.dice, self.count = name, band_size, dice, count
        self.journal, self.plists, self.history = Journal(), {}, []
        self.bands, self.opened, self.made = [], {}, 0

    def make(self, info):
        for folder in ("", r"\bands", r"\mapped"):
            self.make_folder(self.root + folder)
        for name in ("Info.plist", "Info.bckup"):
            self.replace_plist(name, info)
        self.replace_plist("com.apple.TimeMachine.MachineID.plist", {"VerificationState": 0})
        for name in ("token", "lock"):
            path = rf"{self.root}\{name}"
            self.steady(lambda: self.put_once(path, b""))
            self.plists[path] = b""

    def lock(self):
        """Held for a whole backup; nobody else may open it meanwhile."""
        return self.steady(lambda: Handle(self.mac, rf"{self.root}\lock", OPEN, ALONE))

    def new_band(self):
        band = rf"{self.root}\bands\{self.made:x}"
        self.made += 1
        self.handle(band, OPEN_IF)
        self.bands.append(band)
        return band

    def handle(self, band, disposition=OPEN):
        self.journal.files.setdefault(band, [])
        if band not in self.opened:
            if len(self.opened) >= OPEN_BANDS:
                self.close_band(next(iter(self.opened)))
            self.opened[band] = self.steady(lambda: Handle(self.mac, band, disposition, SHARED))
        return self.opened[band]

    def close_band(self, band):
        if band in self.opened:
            self.close(self.opened.pop(band))

    def write(self, band, pieces):
        """Writes [(offset, data)] that do not overlap. After a lost connection one half of the times it is sent
        again, as a Mac does; else the band is read: the old or the new must be there."""
        handle = self.handle(band)
        while pieces:
            now, pieces = pieces[:AT_ONCE], pieces[AT_ONCE:]
            for offset, data in now:
                self.journal.begin(band, offset, data)
            try:
                self._send(handle, band, now)
            except Lost as why:
                self.mac.recover(why)
                if self.dice.random() < 0.5:
                    pieces = now + pieces
                else:
                    self.check(band)

    def _send(self, handle, band, pieces):
        handle.dirty = handle.writing = True
        waiting = []
        for offset, data in pieces:
            message, _ = handle.open.write(data, offset, send=False)
            waiting.append((handle.send(message), offset, data))
            self.count["written"] += len(data)
        for request, offset, data in waiting:
            self.mac.wire.receive(request)
            self.journal.acked(band, offset, data)
            self.count["acked"] += len(data)
            self.count["writes"] += 1
        handle.writing = False

    def flush(self):
        """A full flush of every band that was written since the last."""
        for handle in list(self.opened.values()):
            if handle.dirty:
                self.steady(handle.flush)
                self.count["flushes"] += 1

    def check(self, band):
        """Reads a whole band and compares it with the journal."""
        handle = self.handle(band)
        content = self.steady(lambda: self.read(handle))
        self.count["doubtful"] += self.journal.settle(band, content)
        self.count["checked"] += len(content)

    def compact(self, band):
        """A band written anew beside the old one, flushed, then renamed into its place."""
        fresh = f"{band}.new"
        handle = self.handle(fresh, OPEN_IF)
        self.write(fresh, [(0, self.dice.randbytes(min(1 << 20, self.band_size)))])
        self.steady(handle.flush)
        for one in (band, fresh):
            self.close_band(one)
        self.replace(fresh, band)
        self.journal.renamed(fresh, band)
        self.count["renames"] += 1

    def drop(self, band):
        self.close_band(band)
        self.delete(band)
        self.bands.remove(band)
        del self.journal.files[band]
        self.count["deletes"] += 1

    def replace_plist(self, name, content):
        """To NAME.tmp, flushed; the old one deleted; renamed. At no time may both be missing or one be torn."""
        path, data = rf"{self.root}\{name}", plistlib.dumps(content)
        old = self.plists.get(path)
        while True:
            try:
                self.put_once(f"{path}.tmp", data)
                self.delete_once(path)
                self.rename_once(f"{path}.tmp", path)
                break
            except Lost as why:
                self.mac.recover(why)
                kept, fresh = self.get(path), self.get(f"{path}.tmp")
                if kept not in (old, data, None) or (kept is None and old is not None and fresh != data):
                    raise Mismatch(f"{name} after a fault: {kept!r}, .tmp {fresh!r}") from why
                if kept == data and fresh is None:
                    break
        self.plists[path] = data
        self.count["plists"] += 1

    def verify(self):
        """Every byte of every file, and no file too many."""
        for band in self.bands:
            self.check(band)
            self.close_band(band)
        for path, data in self.plists.items():
            if self.get(path) != data:
                raise Mismatch(f"{path} is not what was written last")
            self.count["checked"] += len(data)
        found = {rf"{self.root}\bands\{name}" for name in self.names(rf"{self.root}\bands")}
        found |= {rf"{self.root}\{name}" for name in self.names(self.root)} - {
            rf"{self.root}\{name}" for name in ("bands", "mapped")
        }
        wanted = {*self.bands, *self.plists}
        if found != wanted:
            raise Mismatch(f"files too many: {sorted(found - wanted)}, missing: {sorted(wanted - found)}")
