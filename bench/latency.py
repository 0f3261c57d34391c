"""Single SMB operations, one after the other: latency.py HOST SHARE COUNT; login and password on stdin's first lines.
Prints JSON: {operation: [seconds, ...]}."""
import json
import sys
import time
import uuid

sys.path.insert(0, "/usr/local/lib/tmgen-lab")
from smbprotocol.connection import Connection
from smbprotocol.exceptions import NoMoreFiles
from smbprotocol.file_info import FileInformationClass, FileRenameInformation, InfoType
from smbprotocol.open import (CreateDisposition, CreateOptions, FileAttributes, FilePipePrinterAccessMask,
                              ImpersonationLevel, Open, ShareAccess, SMB2QueryInfoRequest, SMB2SetInfoRequest)
from smbprotocol.session import Session
from smbprotocol.tree import TreeConnect

RIGHTS = (FilePipePrinterAccessMask.GENERIC_READ | FilePipePrinterAccessMask.GENERIC_WRITE
          | FilePipePrinterAccessMask.DELETE)
SHARED = ShareAccess.FILE_SHARE_READ | ShareAccess.FILE_SHARE_WRITE | ShareAccess.FILE_SHARE_DELETE
LISTED = 100  # files of the directory that is listed


def opened(tree, name, kind=CreateOptions.FILE_NON_DIRECTORY_FILE):
    one = Open(tree, name)
    one.create(ImpersonationLevel.Impersonation, RIGHTS, FileAttributes.FILE_ATTRIBUTE_NORMAL, SHARED,
               CreateDisposition.FILE_OPEN_IF, kind)
    return one


def ask(tree, message):
    """One request on its own, and its answer."""
    session = tree.session
    request = session.connection.send(message, sid=session.session_id, tid=tree.tree_connect_id)
    return session.connection.receive(request)


def query(tree, file_id):
    message = SMB2QueryInfoRequest()
    message["info_type"] = InfoType.SMB2_0_INFO_FILE
    message["file_info_class"] = FileInformationClass.FILE_STANDARD_INFORMATION
    message["output_buffer_length"] = 1024
    message["file_id"] = file_id
    ask(tree, message)


def rename(tree, file_id, name):
    info = FileRenameInformation()
    info["replace_if_exists"] = True
    info["file_name"] = name
    message = SMB2SetInfoRequest()
    message["info_type"] = InfoType.SMB2_0_INFO_FILE
    message["file_info_class"] = FileInformationClass.FILE_RENAME_INFORMATION
    message["file_id"] = file_id
    message["buffer"] = info
    ask(tree, message)


def listing(folder):
    found = 0
    while True:
        try:
            found += len(folder.query_directory("*", FileInformationClass.FILE_NAMES_INFORMATION))
        except NoMoreFiles:
            break
    assert found >= LISTED, found


def main(host, share, count):
    user, password = sys.stdin.readline().strip(), sys.stdin.readline().strip()
    connection = Connection(uuid.uuid4(), host, 445)
    connection.connect(timeout=30)
    session = Session(connection, user, password, require_encryption=False)
    session.connect()
    tree = TreeConnect(session, rf"\\{host}\{share}")
    tree.connect()
    opened(tree, "latency", CreateOptions.FILE_DIRECTORY_FILE).close()
    for n in range(LISTED):
        opened(tree, rf"latency\listed{n}").close()
    took = {}

    def timed(name, what):
        began = time.perf_counter()
        what()
        took.setdefault(name, []).append(time.perf_counter() - began)

    block = bytes(4096)
    for n in range(count):
        timed("create + close", lambda: opened(tree, rf"latency\file{n}").close())
        one = opened(tree, rf"latency\file{n}")
        timed("write 4 KiB", lambda: one.write(block, 0))
        timed("read 4 KiB", lambda: one.read(0, 4096))
        timed("flush", one.flush)
        timed("stat", lambda: query(tree, one.file_id))
        timed("rename", lambda: rename(tree, one.file_id, rf"latency\renamed"))
        one.close()
    for n in range(max(1, count // 10)):
        folder = opened(tree, "latency", CreateOptions.FILE_DIRECTORY_FILE)
        timed(f"list {LISTED} files", lambda: listing(folder))
        folder.close()
    connection.disconnect(True)
    json.dump(took, sys.stdout)


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
