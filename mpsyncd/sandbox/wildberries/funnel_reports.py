"""`/api/v2/nm-report/downloads` of seller-analytics-api: order a report, ask how far it is, order it again, fetch it (wildberries.md §4).

From the official YAML "analytics" of 2026-08-18. Of its types the sandbox makes DETAIL_HISTORY_REPORT by Moscow's days, for sellers who
pay for Jam. A report takes half a minute, a file is kept two days.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

from mpsyncd.sandbox.bucket import Limit
from mpsyncd.sandbox.http import Request, Response, json_response
from mpsyncd.sandbox.options import FaultKind
from mpsyncd.sandbox.wildberries.asking import body_of, day, is_day
from mpsyncd.sandbox.wildberries.endpoint import Call, Endpoint
from mpsyncd.sandbox.wildberries.funnel_csv import archive
from mpsyncd.sandbox.wildberries.problems import analytics_refusal
from mpsyncd.sandbox.wildberries.report_desk import QUOTA, Desk, Report, State
from mpsyncd.sandbox.wildberries.shape import Shape, at_most, faults_of, is_flag, is_text, is_whole, list_of, one_of
from mpsyncd.sandbox.wildberries.spelling import MOSCOW
from mpsyncd.sandbox.wildberries.traffic import DEPTH, cards_of, fits, today

FUNNEL = "DETAIL_HISTORY_REPORT"
_LIMIT = Limit.per(60, limit=3, burst=3)
_BASE_LIMIT = Limit.per(3_600, limit=1, burst=1)
_FILTER = "filter[downloadIds]"
_ONE_PLANE = 0xFFFF
_ZIP = "application/zip"


def _is_id(value: object) -> bool:
    try:
        return isinstance(value, str) and str(UUID(value)) == value.lower()
    except ValueError:
        return False


_ORDER: Shape = {
    "id": _is_id,
    "reportType": one_of(FUNNEL),
    "userReportName": is_text,
    "params": {
        "nmIDs": at_most(1_000, list_of(is_whole)),
        "subjectIds": list_of(is_whole),
        "brandNames": list_of(is_text),
        "tagIds": list_of(is_whole),
        "startDate": is_day,
        "endDate": is_day,
        "timezone": one_of("Europe/Moscow"),
        "aggregationLevel": one_of("day"),
        "skipDeletedNm": is_flag,
    },
}


def order(call: Call) -> Response:
    """Order a report under an id of the caller's."""
    body = body_of(call.request)
    wrong = _fault(body, now=call.now)
    if body is None or wrong is not None:
        return analytics_refusal(str(wrong))
    if _without_jam(call):
        return _forbidden()
    desk = _desk(call)
    if body["id"] in desk.reports:
        return analytics_refusal("id: there is a report with this id already")
    params = body["params"]
    report = Report(
        report_id=body["id"],
        name=body.get("userReportName", f"{FUNNEL} {params['startDate']} {params['endDate']}"),
        params=params,
        moment=call.moment,
        begun=call.now,
        doomed=call.struck(FaultKind.REPORT_FAILED),
        again=call.struck(FaultKind.REPORT_RETRY),
    )
    if not desk.order(report, now=call.now, speed=call.options.limit_scale):
        detail = f"The daily response limit has been exceeded. The maximum number is {QUOTA}."
        return analytics_refusal(detail, title="Too many requests", status=HTTPStatus.TOO_MANY_REQUESTS)
    return json_response({"data": "Отчёт формируется"})


def listing(call: Call) -> Response:
    """How far reports are: those that are asked for, or all."""
    if any(name != _FILTER or not _is_id(value) for name, value in call.request.query):
        return analytics_refusal("query: unknown parameter or invalid id")
    reports = _desk(call).reports
    wanted = [value for _, value in call.request.query] or list(reports)
    if any(one not in reports for one in wanted):
        return analytics_refusal("download id was not found")
    return call.unhurried(lambda: json_response({"data": [_row(call, reports[one]) for one in wanted]}))


def again(call: Call) -> Response:
    """Order a report that failed once more."""
    body = body_of(call.request)
    if body is None or list(faults_of(body, {"downloadId": _is_id})):
        return analytics_refusal("invalid download id")
    report = _desk(call).reports.get(body.get("downloadId", ""))
    if report is None or report.state(call.now, speed=call.options.limit_scale) is not State.FAILED:
        return analytics_refusal("invalid download id")
    if _without_jam(call):
        return _forbidden()
    report.begun, report.moment, report.first = call.now, call.moment, False
    report.doomed, report.again = call.struck(FaultKind.REPORT_FAILED), call.struck(FaultKind.REPORT_RETRY)
    return json_response({"data": "Retry"})


def download(call: Call) -> Response:
    """The file of a report that is ready."""
    report = _desk(call).reports.get(_last_step(call.request))
    if call.request.query or report is None:
        return analytics_refusal("check correctness of download id")
    if _without_jam(call):
        return _forbidden()
    speed = call.options.limit_scale
    if report.state(call.now, speed=speed) is not State.SUCCESS:
        return analytics_refusal("the report is not ready")
    if report.gone(call.now, speed=speed):
        return analytics_refusal("the file is kept no more", title="Not found", status=HTTPStatus.NOT_FOUND)
    return call.unhurried(lambda: Response(body=_file(call, report), content_type=_ZIP), content_type=_ZIP)


def _fault(body: dict[str, Any] | None, *, now: datetime) -> str | None:
    """What is wrong with an order."""
    if body is None:
        return "request body is no JSON object"
    if faults := list(faults_of(body, _ORDER)):
        return "; ".join(faults)
    params = body.get("params", {})
    if missing := [name for name in ("id", "reportType", "params") if name not in body]:
        return f"{missing[0]}: field required"
    if missing := [name for name in ("startDate", "endDate") if name not in params]:
        return f"params.{missing[0]}: field required"
    if any(ord(sign) > _ONE_PLANE for sign in body.get("userReportName", "")):
        return "userReportName can not contain emojis"
    return _fault_of_days(*_days(params), now=now)


def _fault_of_days(start: date, end: date, *, now: datetime) -> str | None:
    right = today(now) - timedelta(days=DEPTH) <= start <= end <= today(now)
    return None if right else "params: excess limit on days, or startDate later than endDate"


def _row(call: Call, report: Report) -> dict[str, object]:
    speed = call.options.limit_scale
    state = report.state(call.now, speed=speed)
    made = min(call.now, report.ready_at(speed=speed)).astimezone(MOSCOW)
    return {
        "id": report.report_id,
        "createdAt": made.strftime("%Y-%m-%d %H:%M:%S"),
        "status": state.value,
        "name": report.name,
        "size": len(_file(call, report)) if state is State.SUCCESS else 0,
        "startDate": report.params["startDate"],
        "endDate": report.params["endDate"],
    }


def _file(call: Call, report: Report) -> bytes:
    """The archive, made when it is first looked at, once even by two threads."""
    with report.lock:
        if report.file is None:
            params = report.params
            question = {"nmIds": params.get("nmIDs"), **params}
            cards = [card for card in cards_of(call.seller, skip_deleted=params.get("skipDeletedNm", False)) if fits(card, question)]
            start, end = _days(params)
            report.file = archive(call.seller, cards, name=report.report_id, start=start, end=end, at=report.moment)
        return report.file


def _days(params: dict[str, Any]) -> tuple[date, date]:
    """The days of a period whose shape is right."""
    start, end = day(params["startDate"]), day(params["endDate"])
    assert start is not None and end is not None  # noqa: S101, PT018 - the shape was checked
    return start, end


def _without_jam(call: Call) -> bool:
    return not call.seller.spec.jam or call.struck(FaultKind.JAM_LOST)


def _forbidden() -> Response:
    return analytics_refusal("Authorization error", title="Authorization error", status=HTTPStatus.FORBIDDEN)


def _desk(call: Call) -> Desk:
    return call.keep.of(Desk, Desk)


def _last_step(request: Request) -> str:
    return request.path.rpartition("/")[2]


def _endpoint(method: str, path: str, name: str, answer: Callable[[Call], Response]) -> Endpoint:
    return Endpoint(
        method=method,
        host="seller-analytics-api",
        path=path,
        gate=f"analytics.reports.{name}",
        limit=_LIMIT,
        base_limit=_BASE_LIMIT,
        answer=answer,
    )


_PATH = "/api/v2/nm-report/downloads"
ENDPOINTS = (
    _endpoint("POST", _PATH, "order", order),
    _endpoint("GET", _PATH, "listing", listing),
    _endpoint("POST", f"{_PATH}/retry", "retry", again),
    _endpoint("GET", f"{_PATH}/file/{{downloadId}}", "file", download),
)
