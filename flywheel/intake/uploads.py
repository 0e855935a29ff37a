"""Uploads as they arrive: to disk, and no more of them than is allowed."""

import errno

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.utils.translation import gettext_lazy as _

MEGABYTE = 1024 * 1024
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})  # no room on the disk, or none that may be used
DISK_FULL = _(
    "There is no room left on the server's disk, so nothing was stored. Tell those who run it, then try again."
)


class BoundedUpload(TemporaryFileUploadHandler):
    """Keeps at most MAX_UPLOAD_MB of a request; what is beyond is counted and dropped.

    The file's size is the counted one, by which the form refuses it in words.
    """

    received = 0  # bytes of all files of the request
    is_full = False  # the disk; what it holds of the file is deleted with it

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Write the next bytes, unless there are too many by now or the disk is full."""
        self.received += len(raw_data)
        if self.received > settings.MAX_UPLOAD_MB * MEGABYTE or self.is_full:
            return
        try:
            super().receive_data_chunk(raw_data, start)
        except OSError as problem:
            if problem.errno not in FULL:
                raise
            self.is_full = True

    def file_complete(self, file_size: int) -> UploadedFile | None:
        """The file, with the size that was received."""
        file = super().file_complete(max(file_size, self.received))
        if file is not None:
            file.disk_was_full = self.is_full  # type: ignore[attr-defined]
        return file
