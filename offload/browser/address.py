"""Keys of rows named in addresses and forms of pages: any text that somebody may send."""

from __future__ import annotations

from django.contrib.admin.utils import unquote
from django.core.exceptions import BadRequest
from django.http import Http404
from django.utils.translation import gettext as _

#: What no database can look for.
NUL = "\0"


def key_of(quoted: str) -> str:
    """Return the key that an address quotes; raise Http404 for one that no row can have."""
    key = unquote(quoted)
    if NUL in key:
        raise Http404(_("A key holds no NUL."))
    return key


def plain(sent: object) -> str:
    """Return what a form sent as text; raise BadRequest where no row can hold it."""
    text = str(sent)
    if NUL in text:
        raise BadRequest("A form holds no NUL.")
    return text
