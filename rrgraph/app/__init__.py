"""The page, the JSON API and the tools for language models: all ask one `Service`, which answers with plans.

`rrgraph.app.web` (FastAPI) and `rrgraph.app.tools` (MCP) are imported from by themselves.
"""

from rrgraph.app.questions import MOST_SETS, MOST_SHELF, MOST_TARGETS, Question, RequestError
from rrgraph.app.service import Service
from rrgraph.app.worker import Busy, TooSlow, Worker

__all__ = [
    "MOST_SETS",
    "MOST_SHELF",
    "MOST_TARGETS",
    "Busy",
    "Question",
    "RequestError",
    "Service",
    "TooSlow",
    "Worker",
]
