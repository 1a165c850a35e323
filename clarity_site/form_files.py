"""Forms carry no files: history files have an address of their own, asked after its permission."""

from typing import Any

from django.core.files.uploadhandler import FileUploadHandler, StopUpload


class NoFormFiles(FileUploadHandler):
    """Stops reading a form at its first file, before a byte of it is written anywhere.

    Otherwise any page that takes a form would write what an anonymous caller sends to disk,
    because the CSRF check reads the form before anybody is asked who sends it.
    """

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Refuse it."""
        raise StopUpload(connection_reset=True)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        """Never reached; the class asks for it."""
        return None

    def file_complete(self, file_size: int) -> None:
        """There is never a file."""
