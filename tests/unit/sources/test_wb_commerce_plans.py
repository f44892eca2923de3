"""What slices of the commerce streams cost, against requests that a sandbox was really asked."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mpsyncd.model.page import Slice, SliceKind
from mpsyncd.model.plan import Workload
from mpsyncd.sources.wildberries.source import WILDBERRIES
from support.sandbox_caller import Caller
from support.wb_sandbox import SandboxApi, rows_read


@pytest.mark.parametrize("name", ["orders", "sales", "prices", "stocks", "seller_stocks", "warehouses", "offices"])
async def test_a_plan_counts_what_is_asked(name: str) -> None:
    stream, caller = WILDBERRIES.stream(name), Caller()
    walk = Slice(slice_id=1, kind=SliceKind.WALK, now=caller.now)
    end = caller.now + timedelta(seconds=1)
    part = walk if stream.backfill is None else replace(walk, kind=SliceKind.WINDOW, start=end - stream.backfill, end=end)
    api = SandboxApi(caller)
    rows, _ = await rows_read(stream, api, part)
    assert stream.requests is not None
    assert stream.requests(Workload(kind=part.kind, rows=len(rows))) == dict.fromkeys(stream.limits, api.asked)
