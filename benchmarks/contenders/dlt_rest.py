"""dlt's rest_api source as its manual shows it, everything at its defaults, with the merge disposition on the vendor's key.

Runs in an environment of its own that has dlt and neither mpsyncd nor its packages; its working files lie in the current PIPELINES folder.
"""

from __future__ import annotations

import os
import sys
import time

import dlt
from dlt.destinations import postgres
from dlt.sources.rest_api import rest_api_source
from kit.children import arguments_after, tell
from kit.cost import peak, processor


def main(dsn: str, url: str, phase: str) -> None:
    """Load and tell; `again` finds the state of `first` in the same folder."""
    del phase
    source = rest_api_source(
        {
            "client": {"base_url": url},
            "resource_defaults": {"primary_key": "srid", "write_disposition": "merge"},
            "resources": [
                {
                    "name": "orders",
                    "endpoint": {
                        "path": "numbered",
                        "paginator": {"type": "page_number", "base_page": 0, "page_param": "page", "total_path": None},
                    },
                }
            ],
        }
    )
    pipeline = dlt.pipeline(
        pipeline_name="bench", pipelines_dir=os.environ["PIPELINES"], destination=postgres(credentials=dsn), dataset_name="wb"
    )
    used, began = processor(), time.perf_counter()
    pipeline.run(source)
    seconds = time.perf_counter() - began
    rows = sum(count for name, count in pipeline.last_trace.last_normalize_info.row_counts.items() if name == "orders")
    tell(rows=rows, seconds=seconds, peak=peak(), processor=processor() - used)


if __name__ == "__main__":
    main(**arguments_after(sys.argv, "dsn", "url", "phase"))
