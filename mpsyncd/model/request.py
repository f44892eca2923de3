"""What is sent to a vendor and what comes back, without a socket in sight."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

Document: TypeAlias = dict[str, Any]
"""One object as the vendor answered it, decoded from JSON and otherwise untouched; of CSV, header -> text, both stripped."""

RowsFormat: TypeAlias = Literal["json", "csv", "zip+csv", "file"]
"""How the rows of an answer are written: as a list in JSON, as CSV in UTF-8 with a header line, or as a ZIP of one such file.

Of a "file" nobody reads anything: there are no rows, and the envelope is the body's bytes.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A row that no document could be made of: what the vendor wrote, as JSON can hold it, and why. It ends in `rejected_rows`."""

    raw: Any
    reason: str


Row: TypeAlias = Document | BadRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request to a source.

    `host` is a key of `Source.hosts`, never an address. `rows_at` names the list of rows in the answer: "" is the answer itself, "cards" or
    "data.items" a path into it, None an answer without rows. `limits` names the rates that this request draws on. `repeatable` says that
    sending it twice changes nothing at the vendor. `rows_format` "csv" and "zip+csv" are rows and nothing else, `rows_at` stays "".
    `empty_when` recognises a vendor's way of saying that there is nothing: it is asked about an answer that lacks the promised rows and
    about a refusal of the request itself (BadRequest, NotFound); where it is true, there are no rows and the envelope is None.
    `private`: the answer holds what people wrote, so no piece of it goes into an error, where nobody could erase it.
    `longest`: bytes of an answer that is kept in memory as a whole; a longer one is BadData. `patient`: everything else of the same limit
    goes first.
    """

    method: str
    host: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    rows_at: str | None = ""
    repeatable: bool = True
    cost: int = 1
    rows_format: RowsFormat = "json"
    empty_when: Callable[[Response], bool] | None = None
    longest: int | None = None
    private: bool = False
    patient: bool = False

    def with_params(self, **params: str) -> Request:
        """Return this request with query parameters added or replaced."""
        return replace(self, params={**self.params, **params})

    def with_json(self, body: Any) -> Request:
        """Return this request with another JSON body."""
        return replace(self, json=body)

    def with_headers(self, **headers: str) -> Request:
        """Return this request with headers added or replaced (underscores stand for hyphens)."""
        return replace(self, headers={**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}})


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The head of an answer, for `Source.classify`: header names in lower case, at most 64 KiB of body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Rows(Protocol):
    """The rows of one answer; a big answer is never decoded as a whole."""

    @property
    def count(self) -> int:
        """How many rows the answer has, bad ones too."""
        ...

    @property
    def last(self) -> Document | None:
        """The last row in the vendor's order that is a document, or None when there is none."""
        ...

    def pieces(self) -> AsyncIterator[Sequence[Row]]:
        """Yield the rows in order, in pieces of at most about 256 KB as told, with a turn of the loop between them. May be walked again.

        Raises:
            BadData: the body stops being what it began as.
        """
        ...

    async def close(self) -> None:
        """Let go of the spooled body."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A successful answer: `rows` where the request said there are rows, `envelope` all the rest (rows replaced by an empty list).

    `asked_at` is the instant just before the request was sent: what is stored can not be newer than that.
    """

    status: int
    headers: Mapping[str, str]
    envelope: Any
    rows: Rows
    asked_at: datetime


class Api(Protocol):
    """The one way out for `sources`: limits, keys, retries and decoding happen behind it."""

    async def send(self, request: Request) -> Answer:
        """Send and return the answer.

        Raises:
            SourceError: the vendor refused, by class of consequence.
            Snooze: the limits ask for a wait that is too long to be slept here.
        """
        ...
