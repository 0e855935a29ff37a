"""Uploads as they arrive: to disk, and no more of them than is allowed."""

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler

MEGABYTE = 1024 * 1024


class BoundedUpload(TemporaryFileUploadHandler):
    """Keeps at most MAX_UPLOAD_MB of a request; what is beyond is counted and dropped.

    The file's size is the counted one, by which the form refuses it in words.
    """

    received = 0  # bytes of all files of the request

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Write the next bytes, unless there are too many by now."""
        self.received += len(raw_data)
        if self.received <= settings.MAX_UPLOAD_MB * MEGABYTE:
            super().receive_data_chunk(raw_data, start)

    def file_complete(self, file_size: int) -> UploadedFile | None:
        """The file, with the size that was received."""
        return super().file_complete(max(file_size, self.received))
