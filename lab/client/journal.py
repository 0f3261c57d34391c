"""What a share must hold: for every file and every 4 KiB of it the content that the server acknowledged. While a write
is on its way, or was when the connection ended, old and new are both allowed, and nothing else."""
import hashlib

UNIT = 4096
ZEROS = bytes(UNIT)


def digest(data):
    return hashlib.blake2b(data, digest_size=16).digest()


ZERO = digest(ZEROS)


class Mismatch(Exception):
    """The share holds what nobody wrote there, or lacks what was acknowledged."""


class Journal:
    """Files that are written in whole units; None stands for "ends before this unit"."""

    def __init__(self):
        self.files = {}

    def begin(self, path, offset, data):
        """A write is about to be sent."""
        units = self.files.setdefault(path, [])
        first, count = offset // UNIT, len(data) // UNIT
        while len(units) < first + count:
            units.append({None})
        for at in range(first):
            # If this write lands, what lies before it and was never written reads as zeros.
            if None in units[at]:
                units[at].add(ZERO)
        for at in range(count):
            units[first + at].add(digest(data[at * UNIT : (at + 1) * UNIT]))

    def acked(self, path, offset, data):
        """The server said that this write is done."""
        units = self.files[path]
        first = offset // UNIT
        for at in range(first):
            units[at].discard(None)
        for at in range(len(data) // UNIT):
            units[first + at] = {digest(data[at * UNIT : (at + 1) * UNIT])}

    def settle(self, path, content):
        """Checks a whole file; what was in doubt is from now on what was found. Gives the number of doubtful units."""
        units = self.files[path]
        if len(content) % UNIT or len(content) > len(units) * UNIT:
            raise Mismatch(f"{path} is {len(content)} bytes long, at most {len(units) * UNIT} were written")
        doubtful = 0
        for at, allowed in enumerate(units):
            piece = content[at * UNIT : (at + 1) * UNIT]
            found = digest(piece) if piece else None
            if found not in allowed:
                raise Mismatch(f"{path}, unit {at}: {describe(piece)}, {len(allowed)} other contents were allowed")
            doubtful += len(allowed) > 1
            units[at] = {found}
        return doubtful

    def renamed(self, old, new):
        self.files[new] = self.files.pop(old)


def describe(piece):
    if not piece:
        return "the file ends before it"
    return "zeros" if piece == ZEROS else f"begins {piece[:8].hex()}"
