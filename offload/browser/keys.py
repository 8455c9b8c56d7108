"""Keys of rows in URLs and forms: text that anybody may send."""

from __future__ import annotations

from django.contrib.admin.utils import unquote
from django.core.exceptions import BadRequest
from django.http import Http404
from django.utils.translation import gettext as _

#: A character that no database can search for.
NUL = "\0"


def key_of(quoted: str) -> str:
    """Return the key that a URL quotes; raise Http404 for one that no row can have."""
    key = unquote(quoted)
    if NUL in key:
        raise Http404(_("A key holds no NUL."))
    return key


def posted_text(sent: object) -> str:
    """Return the text that a form sent; raise BadRequest if no row can hold it."""
    text = str(sent)
    if NUL in text:
        raise BadRequest("A form holds no NUL.")
    return text
