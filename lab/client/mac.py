"""An SMB client that keeps its handles as a Mac does: durable handles of version 2 with a
lease, taken up again after a lost connection under the same client GUID.

Everything that ends a connection is raised as Lost; what a server answers stays an
SMBResponseException.
"""
import socket
import struct
import time
import uuid

from smbprotocol.connection import Commands, Connection
from smbprotocol.create_contexts import (
    LeaseState,
    SMB2CreateContextRequest,
    SMB2CreateDurableHandleReconnectV2,
    SMB2CreateDurableHandleRequestV2,
    SMB2CreateDurableHandleResponseV2,
    SMB2CreateRequestLeaseV2,
)
from smbprotocol.exceptions import SMBResponseException
from smbprotocol.file_info import FileAttributes
from smbprotocol.header import NtStatus
from smbprotocol.open import ImpersonationLevel, Open, RequestedOplockLevel, SMB2FlushRequest
from smbprotocol.session import Session
from smbprotocol.tree import TreeConnect

ANSWER = 30  # seconds without an answer after which macOS gives a Time Machine mount up
DURABLE = 30_000  # milliseconds that macOS asks a durable handle to be kept
ALL_BUT_EXECUTE = 0x0013019F  # read, write, attributes, delete, READ_CONTROL, SYNCHRONIZE
NO_FOLDER = 0x40  # option of an open: the path is no folder
RECOVER = 150  # seconds in which a server must be back
GONE = (NtStatus.STATUS_OBJECT_NAME_NOT_FOUND, NtStatus.STATUS_OBJECT_PATH_NOT_FOUND)


class Lost(Exception):
    """The connection ended, or the server kept silent for ANSWER seconds."""


class Wire(Connection):
    """A connection that names the session it takes the place of, and never waits for ever."""

    previous_session = 0
    answered = 0.0

    def send(self, message, *args, **more):
        if message.COMMAND == Commands.SMB2_SESSION_SETUP:
            message["previous_session_id"] = self.previous_session
        return guarded(super().send, message, *args, **more)

    def receive(self, request, wait=True, timeout=None, **more):
        answer = guarded(super().receive, request, wait=wait, timeout=timeout or ANSWER, **more)
        self.answered = time.time()
        return answer


def guarded(call, *args, **more):
    try:
        return call(*args, **more)
    except (SMBResponseException, Lost):
        raise
    except Exception as error:
        raise Lost(f"{type(error).__name__}: {error}") from error


class Handle:
    """One open file; `path` is relative to the share, `share` what others may do meanwhile.

    `dirty`: written since the last flush; `writing`: a write has no answer yet; `refused`: why it was not taken up."""

    def __init__(self, mac, path, disposition, share):
        self.mac, self.path, self.share = mac, path, share
        self.key = uuid.uuid4().bytes
        self.dirty = self.writing = False
        self.refused = ""
        self.create(disposition)
        mac.handles.append(self)

    def create(self, disposition):
        self.guid = uuid.uuid4()
        wish = SMB2CreateDurableHandleRequestV2()
        wish["timeout"], wish["create_guid"] = DURABLE, self.guid
        answers = self._open(disposition, wish)
        self.durable = any(isinstance(one, SMB2CreateDurableHandleResponseV2) for one in answers)

    def take_up(self):
        """Asks for the open of before the connection was lost; False when the server has it no more."""
        if not self.durable:
            self.refused = "the server never promised to keep it"
            return False
        wish = SMB2CreateDurableHandleReconnectV2()
        wish["file_id"], wish["create_guid"] = self.open.file_id, self.guid
        try:
            self._open(1, wish)
            return True
        except SMBResponseException as error:
            if error.status not in GONE:
                raise
            self.refused = str(error)
            return False

    def _open(self, disposition, durable):
        lease = SMB2CreateRequestLeaseV2()
        lease["lease_key"] = self.key
        for state in ("READ", "HANDLE", "WRITE"):
            lease["lease_state"].set_flag(getattr(LeaseState, f"SMB2_LEASE_{state}_CACHING"))
        lease["parent_lease_key"], lease["epoch"] = bytes(16), bytes(2)
        fresh = Open(self.mac.tree, self.path)
        answers = fresh.create(
            ImpersonationLevel.Impersonation, ALL_BUT_EXECUTE, FileAttributes.FILE_ATTRIBUTE_NORMAL, self.share,
            disposition, NO_FOLDER, [durable, lease], RequestedOplockLevel.SMB2_OPLOCK_LEVEL_LEASE,
        )
        # Not before: a try that is cut must leave the id for the next one.
        self.open = fresh
        return answers or []

    def send(self, message):
        return self.mac.send(message)

    def flush(self):
        """A full flush as F_FULLFSYNC sends it: Apple's flag in the first reserved field."""
        flush = SMB2FlushRequest()
        flush["file_id"], flush["reserved1"] = self.open.file_id, 0xFFFF
        self.mac.ask(flush)
        self.dirty = False

    def close(self):
        self.forget()
        self.open.close()

    def forget(self):
        """From now on it is not taken up again."""
        if self in self.mac.handles:
            self.mac.handles.remove(self)


class Mac:
    """A mounted share. `lost` is called with the reason, `back` with (seconds, handles taken up, handles opened anew)."""

    def __init__(self, host, share, user, password, lost, back):
        self.host, self.share, self.user, self.password = host, share, user, password
        self.lost, self.back = lost, back
        self.guid, self.handles, self.session, self.wire = uuid.uuid4(), [], None, None

    def mount(self):
        wire = Wire(self.guid, self.host)
        wire.previous_session = self.session.session_id if self.session else 0
        guarded(wire.connect, timeout=10)
        wire.transport._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", ANSWER, 0))
        wire.transport._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.wire = wire
        session = Session(wire, self.user, self.password, require_encryption=False, auth_protocol="ntlm")
        session.connect()
        self.session = session
        self.tree = TreeConnect(session, rf"\\{self.host}\{self.share}")
        self.tree.connect(require_secure_negotiate=False)
        # Credits for a few writes of 1 MiB at once.
        wire.echo(session.session_id, credit_request=512)
        self.hello()

    def send(self, message):
        """Sends without waiting; the answer comes by wire.receive()."""
        return self.wire.send(message, self.session.session_id, self.tree.tree_connect_id)

    def ask(self, message):
        return self.wire.receive(self.send(message))

    @property
    def answered(self):
        """When the server answered last, in seconds since 1970."""
        return self.wire.answered

    def hello(self):
        """Opens the root with Apple's context, as macOS does first: server and volume capabilities, model."""
        aapl = SMB2CreateContextRequest()
        aapl["buffer_name"], aapl["buffer_data"] = b"AAPL", struct.pack("<IIQQ", 1, 0, 7, 0)
        root = Open(self.tree, "")
        root.create(ImpersonationLevel.Impersonation, 0x80, 0, 7, 1, 1, [aapl])
        root.close()

    def recover(self, why):
        """Connects anew until every handle is back: taken up where the server still has it, else opened anew."""
        self.lost(str(why))
        started = time.time()
        while True:
            if self.wire:
                guarded(self.wire.disconnect, False)
            try:
                self.mount()
                taken = [handle for handle in self.handles if handle.take_up()]
                anew = [handle for handle in self.handles if handle not in taken]
                for handle in anew:
                    handle.create(1)
                self.back(time.time() - started, taken, anew)
                for handle in self.handles:
                    handle.writing = False
                return
            except (Lost, SMBResponseException) as error:
                # A server that starts refuses logins for a moment, and one that has yet to notice that the old
                # connection is gone still has its opens.
                if time.time() - started > RECOVER:
                    raise Lost(f"not back after {RECOVER} s: {error}") from error
                time.sleep(0.5)
