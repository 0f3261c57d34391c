"""Whole files and names on a mounted share, by steps that may be done twice: a lost connection may cut each of them."""
from smbprotocol.exceptions import SMBResponseException
from smbprotocol.file_info import FileInformationClass, FileRenameInformation
from smbprotocol.open import ImpersonationLevel, Open, SMB2SetInfoRequest

from mac import GONE, NO_FOLDER, Handle, Lost

OPEN, OPEN_IF, OVERWRITE_IF = 1, 3, 5
ALONE, SHARED = 0, 7
END_OF_FILE, NO_MORE_FILES = 0xC0000011, 0x80000006
# Rights and options of an open that is no durable one.
DELETE, DELETE_AND_SYNCHRONIZE, LIST = 0x00010000, 0x00110000, 0x00000081
A_FOLDER, DELETE_ON_CLOSE = 0x1, 0x1000


class Files:
    def __init__(self, mac):
        self.mac = mac

    def steady(self, step):
        """Does a step that may be done twice, until it is done."""
        while True:
            try:
                return step()
            except Lost as why:
                self.mac.recover(why)

    def close(self, handle):
        """Closes; when the connection is lost over it, the open is not wanted back."""
        try:
            handle.close()
        except Lost as why:
            self.mac.recover(why)

    def read(self, handle):
        content = bytearray()
        while True:
            try:
                message, done = handle.open.read(len(content), 1 << 20, send=False)
                content += done(handle.send(message))
            except SMBResponseException as error:
                if error.status != END_OF_FILE:
                    raise
                return bytes(content)

    def put_once(self, path, data):
        """Writes a whole small file and flushes it."""
        handle = Handle(self.mac, path, OVERWRITE_IF, SHARED)
        try:
            if data:
                message, done = handle.open.write(data, 0, send=False)
                done(handle.send(message))
            handle.flush()
            handle.close()
        finally:
            handle.forget()

    def get(self, path):
        """Content of a file; None when it is not there."""
        return self.steady(lambda: self._get(path))

    def _get(self, path):
        try:
            handle = Handle(self.mac, path, OPEN, SHARED)
        except SMBResponseException as error:
            if error.status in GONE:
                return None
            raise
        try:
            content = self.read(handle)
            handle.close()
            return content
        finally:
            handle.forget()

    def make_folder(self, path):
        self.steady(lambda: self._plain(path, LIST, A_FOLDER, OPEN_IF).close())

    def delete(self, path):
        self.steady(lambda: self.delete_once(path))

    def delete_once(self, path):
        try:
            self._plain(path, DELETE, NO_FOLDER | DELETE_ON_CLOSE).close()
        except SMBResponseException as error:
            # Done by the try before, whose answer was lost.
            if error.status not in GONE:
                raise

    def replace(self, old, new):
        """Renames over what has the new name."""
        def once():
            try:
                self.rename_once(old, new, True)
            except SMBResponseException as error:
                # Done by the try before, whose answer was lost: a check of the new name's content tells.
                if error.status not in GONE:
                    raise
        self.steady(once)

    def rename_once(self, old, new, replace=False):
        file = self._plain(old, DELETE_AND_SYNCHRONIZE, NO_FOLDER)
        info = FileRenameInformation()
        info["replace_if_exists"], info["file_name"] = replace, new
        message = SMB2SetInfoRequest()
        message["info_type"], message["file_info_class"] = info.INFO_TYPE, info.INFO_CLASS
        message["file_id"], message["buffer"] = file.file_id, info.pack()
        self.mac.ask(message)
        file.close()

    def names(self, path):
        """Names in a folder."""
        return self.steady(lambda: self._names(path))

    def _names(self, path):
        folder, names = self._plain(path, LIST, A_FOLDER), set()
        while True:
            try:
                for one in folder.query_directory("*", FileInformationClass.FILE_NAMES_INFORMATION):
                    names.add(one["file_name"].get_value().decode("utf-16-le"))
            except SMBResponseException as error:
                if error.status != NO_MORE_FILES:
                    raise
                folder.close()
                return names - {".", ".."}

    def _plain(self, path, access, options, disposition=OPEN):
        file = Open(self.mac.tree, path)
        file.create(ImpersonationLevel.Impersonation, access, 0, SHARED, disposition, options)
        return file
