"""Prints how every table came out against the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from mpsyncd.cli.demo_truth import Comparison
from mpsyncd.cli.output import Column, print_json, print_line, print_table


def print_report(results: Sequence[Comparison], *, json: bool) -> None:
    """One line a table and shop, then what differs and why something was not loaded."""
    equal = all(each.equal for each in results)
    if json:
        print_json({"equal": equal, "tables": [asdict(each) | {"equal": each.equal} for each in results]})
        return
    columns = (
        Column(title="shop"),
        Column(title="table"),
        Column(title="rows", right=True),
        Column(title="first day"),
        Column(title="last day"),
        Column(title="truth", wide=True),
    )
    print_table(columns, [(each.shop, each.table, each.rows, each.first_day, each.last_day, _verdict(each)) for each in results])
    for reason in sorted({f"{each.shop}: {each.parked}" for each in results if each.parked is not None}):
        print_line(f"parked as expected, {reason}")
    for each in results:
        for difference in each.examples if not each.equal else ():
            print_line(f"{each.shop} {each.table} {difference.key}: {difference.what}")
    print_line("Everything is equal." if equal else "There are differences.")


def _verdict(result: Comparison) -> str:
    if result.parked is not None:
        return "parked" if result.equal else f"parked, but has {result.rows} rows"
    if result.equal:
        return "equal"
    told = ((result.missing, "missing"), (result.extra, "too many"), (result.differing, f"differ in {', '.join(result.columns)}"))
    return "; ".join(f"{count} {what}" for count, what in told if count)
