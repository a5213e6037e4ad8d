"""The call that sends a row's picture. It takes a row of the table, never a path."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import PlainTextResponse, Response

from seals_sim.errors import UserError
from seals_sim.label.corpus import Corpus
from seals_sim.label.pictures import PictureSize


def make_picture_call(corpus: Corpus) -> Callable[[int, PictureSize], Response]:
    """Make the call for a corpus. It needs no lock, since neither a corpus nor its pictures change."""

    def send_picture(row: int, size: PictureSize = "large") -> Response:
        try:
            place = corpus.find_row(row)
            if corpus.pictures is None:
                raise UserError("this table has no pictures")
            picture = corpus.pictures.draw(place, size)
        except UserError as error:
            return PlainTextResponse(f"{error}\n", status_code=404)
        return Response(picture.content, media_type=picture.media_type)

    return send_picture
