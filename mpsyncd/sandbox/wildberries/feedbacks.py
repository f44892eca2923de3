"""`GET feedbacks-api /api/v1/questions`, `/api/v1/feedbacks`, `/api/v1/feedbacks/archive` (wildberries.md §11; YAML of 2026-08-18).

One bucket for all. A feedback is in the archive when it was answered, when thirty days went by without an answer, or when it has neither
text nor pictures; those without an answer are told by the archive only.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import UUID

from mpsyncd.sandbox.bucket import Limit
from mpsyncd.sandbox.http import Request, Response, json_response
from mpsyncd.sandbox.wildberries.asking import strange
from mpsyncd.sandbox.wildberries.endpoint import Call, Endpoint
from mpsyncd.sandbox.wildberries.spelling import MOSCOW, zulu
from mpsyncd.sandbox.world.talk import Answer, Feedback, Question, Subject

_LIMIT, _BASE_LIMIT = Limit(0.333, 6), Limit.per(3_600, limit=5, burst=1)
MOST_QUESTIONS = 10_000
"""Of `take` and `skip` together."""
MOST_FEEDBACKS, _FARTHEST = 5_000, 199_990
_ARCHIVED_AFTER = timedelta(days=30)
_FLAGS = {"true": True, "false": False}
_LONGEST_TIME = 11

T = TypeVar("T")


def questions(call: Call) -> Response:
    """Questions that were answered, or those that were not."""
    given = _given(call.request, known=("isAnswered", "nmId", "take", "skip", "order", "dateFrom", "dateTo"), needed=("isAnswered",))
    if isinstance(given, Response):
        return given
    if given["take"] + given["skip"] > MOST_QUESTIONS:
        return _refusal("take + skip must not be greater than 10000")
    every = call.seller.voices.questions.every()
    found = [one for one in every if _is_answered(one) == given["isAnswered"] and _fits(one.about, one.at, given)]
    page = _paged(found, given, at=lambda one: one.at)
    waiting = sum(not _is_answered(one) for one in every)
    return _answer(
        {
            "countUnanswered": waiting,
            "countArchive": len(every) - waiting,
            "questions": [question_row(one, seller=call.seller.spec.title) for one in page],
        }
    )


def feedbacks(call: Call) -> Response:
    """Feedbacks that were answered, or those that wait for an answer."""
    given = _given(call.request, known=("isAnswered", "nmId", "take", "skip", "order", "dateFrom", "dateTo"), needed=("isAnswered",))
    if isinstance(given, Response):
        return given
    if given["take"] > MOST_FEEDBACKS or given["skip"] > _FARTHEST:
        return _refusal("take or skip is too great")
    every = call.seller.voices.feedbacks.every()
    waiting = [one for one in every if not is_archived(one, call.moment)]
    chosen = [one for one in every if one.answer is not None] if given["isAnswered"] else waiting
    page = _paged([one for one in chosen if _fits(one.about, one.at, given)], given, at=lambda one: one.at)
    return _answer(
        {
            "countUnanswered": len(waiting),
            "countArchive": len(every) - len(waiting),
            "feedbacks": [feedback_row(one, seller=call.seller.spec.title) for one in page],
        }
    )


def archive(call: Call) -> Response:
    """Feedbacks in the archive."""
    given = _given(call.request, known=("nmId", "take", "skip", "order"), needed=())
    if isinstance(given, Response):
        return given
    if given["take"] > MOST_FEEDBACKS:
        return _refusal("take is too great")
    every = call.seller.voices.feedbacks.every()
    page = _paged([one for one in every if is_archived(one, call.moment) and _fits(one.about, one.at, given)], given, at=lambda one: one.at)
    return _answer({"feedbacks": [feedback_row(one, seller=call.seller.spec.title) for one in page]})


def is_archived(one: Feedback, moment: datetime) -> bool:
    """Whether nothing is expected of the seller any more."""
    return one.answer is not None or moment - one.at > _ARCHIVED_AFTER or not (one.text or one.pros or one.cons or one.photos)


def question_row(one: Question, *, seller: str) -> dict[str, object]:
    """One question as the vendor spells it; its time has nine digits."""
    return {
        "id": one.number,
        "text": one.text,
        "createdDate": f"{one.at.replace(tzinfo=None).isoformat(timespec='microseconds')}{one.nanoseconds:03}Z",
        "state": question_state(one),
        "answer": None if one.answer is None else question_answer(one.answer),
        "productDetails": product(one.about, seller=seller),
        "wasViewed": one.viewed,
        "isWarned": one.suspicious,
    }


def question_state(one: Question) -> str:
    """Declined, answered or new."""
    if one.declined:
        return "none"
    return "suppliersPortalSynch" if one.answer is None else "wbRu"


def question_answer(answer: Answer) -> dict[str, object]:
    """The answer to a question."""
    return {"text": answer.text, "editable": answer.editable, "createDate": zulu(answer.at)}


def feedback_row(one: Feedback, *, seller: str) -> dict[str, object]:
    """One feedback as the vendor spells it."""
    return {
        "id": one.number,
        "text": one.text,
        "pros": one.pros,
        "cons": one.cons,
        "productValuation": one.stars,
        "createdDate": one.at.astimezone(MOSCOW).isoformat(),
        "answer": None if one.answer is None else feedback_answer(one.answer),
        "state": "none" if one.answer is None else "wbRu",
        "productDetails": {**product(one.about, seller=seller), "size": one.about.size},
        "photoLinks": photos(one),
        "video": video(one),
        "wasViewed": one.viewed,
        "userName": one.buyer,
        "orderStatus": one.order_state,
        "matchingSize": one.fit,
        "isAbleSupplierFeedbackValuation": one.stars == 1,
        "supplierFeedbackValuation": 0,
        "isAbleSupplierProductValuation": False,
        "supplierProductValuation": 0,
        "isAbleReturnProductOrders": False,
        "returnProductOrdersDate": None,
        "bables": None if one.tags is None else list(one.tags),
        "lastOrderShkId": one.label,
        "lastOrderCreatedAt": one.bought_at.astimezone(MOSCOW).isoformat(),
        "color": one.color,
        "subjectId": one.about.subject_id,
        "subjectName": one.about.subject,
        "parentFeedbackId": one.parent,
        "childFeedbackId": one.child,
    }


def feedback_answer(answer: Answer) -> dict[str, object]:
    """The answer to a feedback; its time is not told."""
    return {"text": answer.text, "state": "wbRu" if answer.editable else "reviewRequired", "editable": answer.editable}


def product(about: Subject, *, seller: str) -> dict[str, object]:
    """The card that is asked or told about."""
    return {
        "nmId": about.nm_id,
        "imtId": about.imt_id,
        "productName": about.title,
        "supplierArticle": about.vendor_code,
        "supplierName": seller,
        "brandName": about.brand,
    }


def photos(one: Feedback) -> list[dict[str, object]] | None:
    """Addresses of the pictures; null when there is none."""
    place = f"https://feedback.wbbasket.example/{one.number}"
    return [{"fullSize": f"{place}/{number}/fs.webp", "miniSize": f"{place}/{number}/ms.webp"} for number in range(one.photos)] or None


def video(one: Feedback) -> dict[str, object] | None:
    """The film; null when there is none."""
    place = f"https://videofeedback.wbbasket.example/{one.number}"
    return {"previewImage": f"{place}/preview.webp", "link": f"{place}/index.m3u8", "durationSec": 10} if one.video else None


def _given(request: Request, *, known: tuple[str, ...], needed: tuple[str, ...]) -> dict[str, Any] | Response:
    """Parameters in Python's own types, or the refusal of wrong ones."""
    given = dict(request.query)
    if name := strange(request, known=known):
        return _refusal(f"unexpected parameter {name}")
    read: dict[str, Any] = {}
    for name in ("take", "skip", *needed):
        if name not in given:
            return _refusal(f"parameter {name} is required")
    for name, text in given.items():
        value = _FLAGS.get(text) if name == "isAnswered" else text if name == "order" else _number(text)
        if value is None or (name == "order" and text not in {"dateAsc", "dateDesc"}):
            return _refusal(f"parameter {name} has a wrong value")
        read[name] = value
    return read


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_TIME else None


def _fits(about: Subject, at: datetime, given: Mapping[str, Any]) -> bool:
    second = int(at.timestamp())
    in_time: bool = given.get("dateFrom", second) <= second <= given.get("dateTo", second)
    return in_time and about.nm_id == given.get("nmId", about.nm_id)


def _paged(things: list[T], given: Mapping[str, Any], *, at: Callable[[T], datetime]) -> list[T]:
    row = sorted(things, key=at, reverse=given.get("order") != "dateAsc")
    return row[given["skip"] : given["skip"] + given["take"]]


def _is_answered(one: Question) -> bool:
    return one.answer is not None or one.declined


def _answer(data: dict[str, object]) -> Response:
    return json_response({"data": data, "error": False, "errorText": "", "additionalErrors": None})


def _refusal(text: str) -> Response:
    number = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    body = {"data": None, "error": True, "errorText": text, "additionalErrors": None, "requestId": str(UUID(number))}
    return json_response(body, status=HTTPStatus.BAD_REQUEST)


def _endpoint(path: str, answer: Callable[[Call], Response], *, empty: bytes) -> Endpoint:
    return Endpoint(
        method="GET",
        host="feedbacks-api",
        path=path,
        gate="feedbacks",
        limit=_LIMIT,
        base_limit=_BASE_LIMIT,
        answer=answer,
        cursor=lambda request: dict(request.query),
        empty=empty,
        enums=frozenset({"state", "orderStatus", "matchingSize"}),
    )


_NO_FEEDBACKS = b'{"data":{"countUnanswered":0,"countArchive":0,"feedbacks":[]},"error":false,"errorText":"","additionalErrors":null}'
ENDPOINTS = (
    _endpoint("/api/v1/questions", questions, empty=_NO_FEEDBACKS.replace(b"feedbacks", b"questions")),
    _endpoint("/api/v1/feedbacks", feedbacks, empty=_NO_FEEDBACKS),
    _endpoint("/api/v1/feedbacks/archive", archive, empty=_NO_FEEDBACKS),
)
