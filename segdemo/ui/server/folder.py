"""The server's own folder for temporary files: private, new at each start, swept by age, gone at the end."""

import atexit
import os
import shutil
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from segdemo.errors import HostError
from segdemo.locks import FileLock
from segdemo.settings import settings

SWEEP_SECONDS = 60.0
PARTIAL_SECONDS = 120.0
"""A file that lies in the folder itself is one that was never finished, once it is so old."""
_PROBE_BYTES = 1_000_000
_LOCK = "in-use.lock"


class Folder:
    """A folder that this process alone uses; ``path`` is where. Raises ``HostError`` where none can be made.

    It lies in ``segdemo-USER`` within ``parent``. What processes that have been killed left there is removed first.
    """

    def __init__(self, parent: Path) -> None:
        home = parent / f"segdemo-{os.getuid() if hasattr(os, 'getuid') else os.environ.get('USERNAME', 'user')}"
        try:
            _own(home)
            remove_abandoned(home)
            self.path = Path(tempfile.mkdtemp(prefix="run-", dir=home)).resolve()
            self._lock = FileLock(self.path / _LOCK)
            self._lock.take()
            probe = self.path / "probe"
            probe.write_bytes(bytes(_PROBE_BYTES))
            probe.unlink()
        except OSError as error:
            if hasattr(self, "path"):
                shutil.rmtree(self.path, ignore_errors=True)
            raise HostError(
                f"Temporary files cannot be written to {parent} ({error.strerror or error}): free some space there, or "
                "name another folder with SEGDEMO_TEMP_DIR."
            ) from None

    def files(self) -> Iterator[tuple[Path, os.stat_result]]:
        """All files in the folder but its lock, with their properties; those that vanish meanwhile are left out."""
        for root, _, names in os.walk(self.path):
            for name in names:
                path = Path(root) / name
                if path != self.path / _LOCK:
                    try:
                        yield path, path.lstat()
                    except FileNotFoundError:
                        continue

    def sweep(self, *, older_than: float, partial_older_than: float = PARTIAL_SECONDS) -> int:
        """Remove files of more than ``older_than`` seconds and folders that are empty; return how many files went.

        Those that lie in the folder itself are leftovers of broken uploads and go after ``partial_older_than``.
        """
        now, removed = time.time(), 0
        for path, properties in list(self.files()):
            limit = partial_older_than if path.parent == self.path else older_than
            if now - max(properties.st_mtime, properties.st_ctime) > limit:
                path.unlink(missing_ok=True)
                removed += 1
        for root, _, _ in list(os.walk(self.path, topdown=False)):
            folder = Path(root)
            # A folder that was made a moment ago is about to be written to.
            if folder != self.path and now - folder.stat().st_mtime > min(older_than, PARTIAL_SECONDS):
                try:
                    folder.rmdir()
                except OSError:
                    continue
        return removed

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        self._lock.release()
        shutil.rmtree(self.path, ignore_errors=True)


def remove_abandoned(home: Path) -> None:
    """Remove the folders in ``home`` whose processes are gone."""
    for entry in home.glob("run-*"):
        lock = FileLock(entry / _LOCK)
        try:
            if not lock.path.exists():
                # It is either being made at this moment, or was left so.
                if time.time() - entry.lstat().st_mtime > PARTIAL_SECONDS:
                    shutil.rmtree(entry, ignore_errors=True)
            elif lock.take(wait=False):
                shutil.rmtree(entry, ignore_errors=True)
                lock.release()
        except FileNotFoundError:
            # Another start was faster.
            continue


def _own(home: Path) -> None:
    """Make a folder that only its owner may look into. Raises ``OSError`` where somebody else's is in the way."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = home.lstat()
    if not stat.S_ISDIR(found.st_mode) or (hasattr(os, "getuid") and found.st_uid != os.getuid()):
        raise OSError(f"{home} belongs to somebody else")
    home.chmod(0o700)


_made: Folder | None = None
_making = threading.Lock()


def private_folder() -> Folder:
    """The folder of this process, made on first use; Gradio keeps its files there from then on."""
    global _made
    with _making:
        if _made is None:
            _made = Folder(_parent())
            atexit.register(remove_private_folder)
            _tell_gradio(str(_made.path))
        return _made


def remove_private_folder() -> None:
    """Remove the folder of this process, if there is one."""
    global _made
    with _making:
        if _made is not None:
            _made.remove()
            _made = None


def _parent() -> Path:
    chosen = settings().temp_dir
    if chosen is not None:
        return chosen
    try:
        return Path(tempfile.gettempdir())
    except OSError as error:
        raise HostError(f"{error.strerror or error}: name one that can be written to with SEGDEMO_TEMP_DIR.") from None


def _tell_gradio(path: str) -> None:
    os.environ["GRADIO_TEMP_DIR"] = path
    # These read the variable when they are imported, which may have been before.
    for name in ("gradio.routes", "gradio.route_utils", "gradio.mcp"):
        module = sys.modules.get(name)
        if module is not None and "DEFAULT_TEMP_DIR" in vars(module):
            vars(module)["DEFAULT_TEMP_DIR"] = path
