"""Field types of offload's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now
from kombu.utils.json import dumps, loads

from offload.core.exceptions import InvalidPattern
from offload.core.topics import Pattern
from offload.db import database

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    TextField = models.TextField[Any, Any]
    CharField = models.CharField[Any, Any]
else:
    TextField, CharField = models.TextField, models.CharField


#: Largest value of an integer column, in every database.
INTEGER_MAX = 2**31 - 1

#: The errors of decoding a text that is not JSON, or whose content does not fit its type.
UNDECODABLE = (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError)


#: The default of most of these columns, a new object each time.
EMPTY: Mapping[str, Callable[[], Any]] = {"{}": dict, "[]": list}


class Unreadable(str):
    """Content of a JSON column that is not valid JSON; it can be shown and does no harm."""

    __slots__ = ()


def decoded(text: str) -> Any:
    """Return the value of a JSON text, or the text as Unreadable if it is not JSON."""
    if text in EMPTY:
        return EMPTY[text]()
    try:
        return loads(text)
    except UNDECODABLE:
        return Unreadable(text)


class JsonText(TextField):
    """A JSON value kept as text, in the encoding Celery's messages use.

    Text rather than the database's JSON type: values come back exactly as they went in
    (dates, decimals, the order of keys, escaped NUL), and the worker reads them without
    a second conversion.
    """

    def __init__(self, *args: Any, always_object: bool = False, **kwargs: Any) -> None:
        """Take whether anything but an object in a row counts as an empty object."""
        super().__init__(*args, **kwargs)
        self._always_object = always_object

    def from_db_value(self, value: str | None, *_: object) -> Any:
        """Return the decoded value, or Unreadable."""
        found = None if value is None else decoded(value)
        return {} if self._always_object and not isinstance(found, dict) else found

    def to_python(self, value: Any) -> Any:
        """Return a value unchanged; only the database's form is text."""
        return value

    def get_prep_value(self, value: Any) -> str | None:
        """Return the value as text; unreadable content is written back unchanged."""
        return value if value is None or isinstance(value, Unreadable) else dumps(value)

    def value_to_string(self, obj: models.Model) -> str:
        """Return the value as text, for serializers."""
        return dumps(self.value_from_object(obj))


class DatabaseNow(Now):
    """The database's clock; on SQLite as Django writes times, which are compared as texts."""

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Return the SQL of the time, and its parameters."""
        template = database.NOW["sqlite"].replace("%", "%%")
        return self.as_sql(compiler, connection, template=template, **context)


class KeyField(CharField):
    """A text key that is looked up as a whole, never by its beginning.

    Under PostgreSQL's other name for the type, Django adds no second index for prefix searches to
    the key and to foreign keys: every version of every row would be written into each of them.
    """

    def db_type(self, connection: Any) -> str:
        """Return the column's type."""
        if connection.vendor == "postgresql":
            return f"character varying({self.max_length})"
        return str(super().db_type(connection))


class BytewiseField(CharField):
    """A text that is compared by its characters' codes, as Python does, in every database."""

    def db_parameters(self, connection: Any) -> Any:
        """Return the type, with the collation for that."""
        collation = "C" if connection.vendor == "postgresql" else None
        return {**super().db_parameters(connection), "collation": collation}


class PatternField(CharField):
    """The text of a topic pattern, validated."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Set the longest length of a topic."""
        kwargs.setdefault("max_length", 255)
        super().__init__(*args, **kwargs)

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        """Raise ValidationError unless the text is a pattern."""
        super().validate(value, model_instance)
        try:
            Pattern.parse(value)
        except InvalidPattern as error:
            raise ValidationError(str(error), code="pattern") from error


def counted(number: int) -> int:
    """Return the next number of a count, which no column is too small for."""
    return min(number + 1, INTEGER_MAX)
