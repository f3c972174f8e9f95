"""Static files under names that hold a digest of their content, so that browsers may keep them for a year."""

import hashlib
import mimetypes
from pathlib import Path

from starlette.responses import Response

from app.problems import Problem

A_YEAR = "public, max-age=31536000, immutable"


class StaticFiles:
    """The files of a folder, read once."""

    def __init__(self, folder: Path) -> None:
        self._names: dict[str, str] = {}
        self._files: dict[str, tuple[bytes, str]] = {}
        for file in sorted(folder.iterdir()):
            content = file.read_bytes()
            name = f"{file.stem}.{hashlib.sha256(content).hexdigest()[:16]}{file.suffix}"
            self._names[file.name] = name
            self._files[name] = (content, mimetypes.guess_type(file.name)[0] or "application/octet-stream")

    def address_of(self, name: str) -> str:
        """Where a page finds the file."""
        return f"/static/{self._names[name]}"

    def answer(self, name: str) -> Response:
        """One file by the name that holds its digest, or 404."""
        if name not in self._files:
            raise Problem(404, "there is no such file")
        content, media_type = self._files[name]
        return Response(content, media_type=media_type, headers={"cache-control": A_YEAR})


STATIC = StaticFiles(Path(__file__).parent / "static")
