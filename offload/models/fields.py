"""Field types of offload's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models
from kombu.utils.json import dumps, loads

from offload.core.exceptions import InvalidPattern
from offload.core.topics import Pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    TextField = models.TextField[Any, Any]
    CharField = models.CharField[Any, Any]
else:
    TextField, CharField = models.TextField, models.CharField


#: What decoding a text raises that is no JSON, or names a type that it does not hold.
UNDECODABLE = (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError)


#: What most of these columns hold, each time made anew.
EMPTY: Mapping[str, Callable[[], Any]] = {"{}": dict, "[]": list}


class Unreadable(str):
    """Content of a JSON column that is not valid JSON; it is shown and breaks nothing."""

    __slots__ = ()


def decoded(text: str) -> Any:
    """Return the value of a text of JSON; the text as Unreadable where it is none."""
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
        """Take whether what is no object in a row is taken for an empty one."""
        super().__init__(*args, **kwargs)
        self._always_object = always_object

    def from_db_value(self, value: str | None, *_: object) -> Any:
        """Return the decoded value, or Unreadable."""
        found = None if value is None else decoded(value)
        return {} if self._always_object and not isinstance(found, dict) else found

    def to_python(self, value: Any) -> Any:
        """Return a value as it is; only the database's form is text."""
        return value

    def get_prep_value(self, value: Any) -> str | None:
        """Return the value as text; what could not be read is written as it was."""
        return value if value is None or isinstance(value, Unreadable) else dumps(value)

    def value_to_string(self, obj: models.Model) -> str:
        """Return the value as text, for serializers."""
        return dumps(self.value_from_object(obj))


class KeyField(CharField):
    """A text key: looked up whole, never by its beginning.

    Under PostgreSQL's other name for the type, Django does not add a second index to the key,
    nor to what refers to it, for searching by beginnings: every version of every row would be
    written into each of them.
    """

    def db_type(self, connection: Any) -> str:
        """Return the column's type."""
        if connection.vendor == "postgresql":
            return f"character varying({self.max_length})"
        return str(super().db_type(connection))


class PatternField(CharField):
    """The text of a topic pattern, checked by the one grammar."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Set the length of a topic."""
        kwargs.setdefault("max_length", 255)
        super().__init__(*args, **kwargs)

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        """Raise ValidationError where the text is no pattern."""
        super().validate(value, model_instance)
        try:
            Pattern.parse(value)
        except InvalidPattern as error:
            raise ValidationError(str(error), code="pattern") from error
