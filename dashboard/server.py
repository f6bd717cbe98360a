"""The dashboard's server: Streamlit's pages, and the routes by which browsers take prepared files and stay signed in.

Run by: python -m streamlit run dashboard/server.py
"""

import sys
from pathlib import Path

import streamlit
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

# `streamlit run` puts only this folder on the path.
ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from dashboard.components import remembered  # noqa: E402
from dashboard.data import downloads  # noqa: E402

GONE = "This link is not valid or has expired. Go back to the dashboard and prepare the file again."


def download(request: Request) -> Response:
    """Sends the file of a signed link in pieces, as it is."""
    path = downloads.find(request.path_params["token"], request.path_params["name"])
    if path is None:
        return PlainTextResponse(GONE, status_code=403)
    # an encoding that is named keeps the server from compressing a million rows while others wait
    return FileResponse(
        path,
        filename=path.name,
        headers={"Cache-Control": "no-store", "Content-Encoding": "identity", "Referrer-Policy": "no-referrer"},
    )


def remember(request: Request) -> Response:
    """Sets the cookie of a ticket, for a page of our own alone."""
    is_ours = request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
    cookie = remembered.redeem(request.path_params["ticket"]) if is_ours else None
    if cookie is None:
        return PlainTextResponse("", status_code=403, headers={"Cache-Control": "no-store"})
    answer = PlainTextResponse("", headers={"Cache-Control": "no-store"})
    is_secure = "https" in (request.url.scheme, request.headers.get("x-forwarded-proto"))
    answer.set_cookie(
        remembered.COOKIE, cookie, max_age=remembered.LIFETIME, httponly=True, samesite="strict", secure=is_secure
    )
    return answer


app = streamlit.App(
    Path(__file__).parent / "streamlit_app.py",
    routes=[
        Route(f"{downloads.ROUTE}/{{token}}/{{name}}", download, methods=["GET"]),
        Route(f"{remembered.ROUTE}/{{ticket}}", remember, methods=["GET"]),
    ],
)
