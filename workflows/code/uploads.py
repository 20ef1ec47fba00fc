"""The file of a request: its body as it is, or one field of a form."""

from __future__ import annotations

from http import HTTPStatus

from django.http.multipartparser import MultiPartParserError

from highway_platform.kit.requests import Request
from highway_platform.kit.rest.errors import ApiError

FIELDS = ("artifact", "module", "file")


def uploaded(request: Request) -> bytes:
    """The content that was sent. The body's limit is the server's own, and has been checked before this."""
    body = request.body  # read first: from here on the form is read from memory, and answers can be repeated
    if request.content_type != "multipart/form-data":
        if not body:
            raise _refused("Send the file as the body, or as the field 'artifact' of a form.")
        return body
    try:
        files = request.FILES
    except MultiPartParserError as error:
        raise _refused(f"The form cannot be read: {error}") from error
    for name in FIELDS:
        file = files.get(name)
        if file is not None:
            return bytes(file.read())
    raise _refused(f"The form has none of the files {', '.join(FIELDS)}.")


def _refused(message: str) -> ApiError:
    return ApiError(HTTPStatus.BAD_REQUEST, "invalid_upload", message)
